// Copyright 2026 The oht50_bridge Authors
//
// Licensed under the Apache License, Version 2.0 (the "License");
// you may not use this file except in compliance with the License.
// You may obtain a copy of the License at
//
//     http://www.apache.org/licenses/LICENSE-2.0
//
// Unless required by applicable law or agreed to in writing, software
// distributed under the License is distributed on an "AS IS" BASIS,
// WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
// See the License for the specific language governing permissions and
// limitations under the License.
type Value = string | number | boolean | undefined | ((event: never) => void);

/** Attributes, and listeners by `on` and the name of the event. */
export type Properties = Readonly<Record<string, Value>>;

export type Child = Node | string;

function fill(element: Element, properties: Properties, children: readonly Child[]): void {
  for (const [name, value] of Object.entries(properties)) {
    if (typeof value === 'function') {
      element.addEventListener(name.slice(2), value as unknown as EventListener);
    } else if (typeof value === 'boolean') element.toggleAttribute(name, value);
    else if (value !== undefined) element.setAttribute(name, String(value));
  }
  element.append(...children);
}

/** Make an element. */
export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  properties: Properties = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  fill(element, properties, children);
  return element;
}

/** Make an element of a drawing. */
export function s<K extends keyof SVGElementTagNameMap>(
  tag: K,
  properties: Properties = {},
  ...children: readonly Child[]
): SVGElementTagNameMap[K] {
  const element = document.createElementNS('http://www.w3.org/2000/svg', tag);
  fill(element, properties, children);
  return element;
}

/** Change a text, if it differs: what is the same costs nothing and is announced to nobody. */
export function setText(element: Element, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}

/** Change an attribute, if it differs; undefined removes it. */
export function setAttribute(element: Element, name: string, value: string | undefined): void {
  if (value === undefined) {
    if (element.hasAttribute(name)) element.removeAttribute(name);
  } else if (element.getAttribute(name) !== value) element.setAttribute(name, value);
}

/** Show an element, or not. */
export function show(element: Element, shown: boolean): void {
  if (element.hasAttribute('hidden') === shown) element.toggleAttribute('hidden', !shown);
}

/** Fill an element anew when `key` differs from that of the last time. */
export function refill(element: Element, key: string, children: () => readonly Child[]): boolean {
  if ((element as { filledWith?: string }).filledWith === key) return false;
  (element as { filledWith?: string }).filledWith = key;
  element.replaceChildren(...children());
  return true;
}

/** A button whose reason for being disabled is a text beside it, which help reads out. */
export function button(
  label: string,
  pressed: (event: MouseEvent) => void,
  properties: Properties = {},
): HTMLButtonElement {
  return h('button', { type: 'button', onclick: pressed, ...properties }, label);
}

/** Enable a button, or say why it is not. */
export function enable(element: HTMLButtonElement, reason: string): void {
  if (element.disabled !== (reason !== '')) element.disabled = reason !== '';
  setAttribute(element, 'title', reason || undefined);
}
