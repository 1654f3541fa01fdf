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
import { button, h } from '../dom.js';
import { t } from '../i18n/index.js';

let opened: { close: () => void } | undefined;

/** Close the dialog that is open, if one is. */
export function closeDialog(): boolean {
  if (!opened) return false;
  opened.close();
  return true;
}

/**
 * Open a dialog. Everything but the strip with STOP and the header stands still meanwhile; a modal
 * dialog of the browser would take STOP away too.
 *
 * @returns a function that closes it
 */
export function openDialog(
  title: string,
  content: readonly (Node | string)[],
  closed: () => void = () => {},
): () => void {
  closeDialog();
  const before = document.activeElement;
  const heading = h('h2', { id: 'dialog-title', tabindex: -1 }, title);
  const dialog = h(
    'div',
    { class: 'dialog', role: 'dialog', 'aria-labelledby': 'dialog-title' },
    h('div', { class: 'dialog-head' }, heading, button('✕', close, { 'aria-label': t.close })),
    ...content,
  );
  const layer = h('div', { class: 'layer' }, dialog);
  const main = document.getElementById('main')!;
  main.inert = true;
  document.getElementById('dialogs')!.replaceChildren(layer);
  heading.focus();
  opened = { close };

  function close(): void {
    if (opened?.close !== close) return;
    opened = undefined;
    main.inert = false;
    layer.remove();
    if (before instanceof HTMLElement && before.isConnected) before.focus();
    closed();
  }
  return close;
}
