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
import { t } from '../i18n/index.js';
import { h, setAttribute, setText } from '../dom.js';
import type { Freshness } from '../logic/freshness.js';
import type { Store } from '../store.js';

/** Puts a part of the page into an element; the function returned takes it out again. */
export type Mount = (element: HTMLElement, store: Store) => () => void;

/** A part of the page with a heading. */
export function panel(title: string, ...children: (Node | string)[]): HTMLElement {
  const heading = h('h2', {}, title);
  heading.id = `h${Math.random().toString(36).slice(2)}`;
  return h('section', { class: 'panel', 'aria-labelledby': heading.id }, heading, ...children);
}

/** What a value is said to be, beside the value: its age where it is not as it is now. */
export function ageNote(
  state: Freshness,
  age: number | undefined,
  last: string,
  time: string | undefined,
): string {
  switch (state) {
    case 'never':
      return t.noDataYet;
    case 'lost':
      return t.lastValue(last, t.format.time(time));
    case 'stale':
      return t.ageOf(t.format.age(age ?? 0));
    case 'delayed':
      return t.delayed;
    case 'live':
      return '';
  }
}

/** A place for a number: the number, its unit, and its age if that matters. */
export class Reading {
  readonly element: HTMLElement;
  readonly #value = h('span', { class: 'value' });
  readonly #unit = h('span', { class: 'unit' });
  readonly #note = h('span', { class: 'note' });

  constructor(unit: string) {
    setText(this.#unit, unit);
    this.element = h(
      'p',
      { class: 'reading' },
      h('span', { class: 'number' }, this.#value, ' ', this.#unit),
      this.#note,
    );
  }

  /** Show a value; null: nothing measures it. */
  update(
    value: number | null | undefined,
    digits: number,
    state: Freshness,
    age: number | undefined,
    time: string | undefined,
  ): void {
    setAttribute(this.element, 'data-fresh', state);
    const known = value !== undefined && value !== null && state !== 'never';
    const text = known ? t.format.number(value, digits) : '--';
    setText(this.#value, state === 'lost' ? '--' : text);
    const unmeasured = value === null && state !== 'never' && state !== 'lost';
    const note = unmeasured
      ? t.notMeasured
      : ageNote(state, age, `${text} ${this.#unit.textContent}`, time);
    setText(this.#note, note);
  }
}

/** A bar with limits; `mark` says in which way a value is abnormal. */
export class Bar {
  readonly element: HTMLElement;
  readonly #fill = h('span', { class: 'fill' });
  readonly #least = h('span', { class: 'limit' });
  readonly #most = h('span', { class: 'limit' });

  constructor() {
    const track = h('span', { class: 'track' }, this.#fill);
    this.element = h(
      'div',
      { class: 'bar', 'aria-hidden': 'true' },
      this.#least,
      track,
      this.#most,
    );
  }

  update(part: number | undefined, least: string, most: string, mark = ''): void {
    const width = `${((part ?? 0) * 100).toFixed(1)}%`;
    if (this.#fill.style.width !== width) this.#fill.style.width = width;
    setText(this.#least, least);
    setText(this.#most, most);
    setAttribute(this.element, 'data-mark', mark || undefined);
  }
}
