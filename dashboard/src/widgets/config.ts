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
import { button, enable, h, refill, setText, show } from '../dom.js';
import { t } from '../i18n/index.js';
import { differences, writeValue } from '../logic/config.js';
import type { Store } from '../store.js';
import { openDialog } from './dialog.js';
import { panel } from './widget.js';

/** What changes is shown once more before it is applied. */
function review(
  store: Store,
  fields: Readonly<Record<string, string>>,
  applied: () => void,
): void {
  const { differences: changes } = differences(store.config ?? {}, fields);
  const close = openDialog(t.reviewChanges, [
    h(
      'table',
      {},
      h('tr', {}, h('th', {}, t.name), h('th', {}, t.before), h('th', {}, t.after)),
      ...changes.map(({ name, before, after }) =>
        h(
          'tr',
          {},
          h('th', { scope: 'row' }, name),
          h('td', {}, h('del', {}, writeValue(before) || '--')),
          h('td', {}, h('ins', {}, writeValue(after) || '--')),
        ),
      ),
    ),
    h(
      'div',
      { class: 'buttons' },
      button(
        t.apply,
        () => {
          close();
          const values = Object.fromEntries(changes.map(({ name, after }) => [name, after]));
          void store.order('update_config', { changes: values }).then((reply) => {
            if (reply) applied();
            void store.readConfig();
          });
        },
        { class: 'primary' },
      ),
      button(t.back, () => close()),
    ),
  ]);
}

function askRollback(store: Store): void {
  const version = h('input', { id: 'to-version', required: true, list: 'versions' });
  const known = h('datalist', { id: 'versions' });
  for (const each of store.versions) {
    if (each !== store.configVersion) known.append(h('option', { value: each }));
  }
  const reason = h(
    'select',
    { id: 'rollback-reason' },
    h('option', { value: 'performance_issue' }, t.performanceIssue),
    h('option', { value: 'safety_concern' }, t.safetyConcern),
  );
  const form = h(
    'form',
    {
      onsubmit: (event: SubmitEvent) => {
        event.preventDefault();
        close();
        const why = reason.value as 'performance_issue' | 'safety_concern';
        void store
          .order('rollback_config', { to_version: version.value.trim(), reason: why })
          .then(() => store.readConfig());
      },
    },
    h('p', {}, t.rollbackHelp(store.configVersion)),
    h('div', { class: 'field' }, h('label', { for: 'to-version' }, t.toVersion), version, known),
    h('div', { class: 'field' }, h('label', { for: 'rollback-reason' }, t.reason), reason),
    h('div', { class: 'buttons' }, h('button', { type: 'submit', class: 'primary' }, t.rollBack)),
  );
  const close = openDialog(t.rollBack, [form]);
}

/** The configuration in force; for those who may, with fields and the way back. */
export function mountConfigPage(element: HTMLElement, store: Store): () => void {
  const version = h('p', {});
  const note = h('p', { class: 'reason' });
  const list = h('div', { class: 'config' });
  const faults = h('p', { class: 'fault', role: 'status' });
  const apply = button(t.reviewChanges, () => review(store, fields(), reset), {
    class: 'primary',
  });
  const undo = button(t.discard, () => reset());
  const back = button(`${t.rollBack} ...`, () => askRollback(store));
  const reason = h('p', { class: 'reason' });
  const buttons = h('div', { class: 'buttons' }, apply, undo, back);
  element.replaceChildren(panel(t.configuration, version, note, list, faults, buttons, reason));

  const inputs = (): HTMLInputElement[] => [...list.querySelectorAll('input')];
  const fields = (): Record<string, string> =>
    Object.fromEntries(inputs().map((input) => [input.name, input.value]));
  const reset = (): void => {
    for (const input of inputs()) input.value = writeValue(store.config?.[input.name]);
    store.changed();
  };
  list.addEventListener('input', () => store.changed());

  void store.readConfig();
  return store.watch(() => {
    const { config } = store;
    const may = store.mayOrder('update_config');
    setText(version, config ? t.versionInForce(store.configVersion) : t.noDataYet);
    setText(note, store.configNote);
    const dirty = may && config && differences(config, fields());
    const changed = dirty ? dirty.differences.length > 0 || dirty.faults.length > 0 : false;
    // What somebody is writing is not overwritten by what comes.
    const key = JSON.stringify([config, may]);
    if (!changed) {
      refill(list, key, () =>
        Object.entries(config ?? {}).map(([name, value]) => {
          const field = may
            ? h('input', { name, id: `config-${name}`, value: writeValue(value) })
            : h('span', { class: 'config-value' }, writeValue(value) || '--');
          const label = may
            ? h('label', { for: `config-${name}` }, name)
            : h('span', { class: 'label' }, name);
          return h('div', { class: 'field' }, label, field);
        }),
      );
    }
    const live = store.isLive ? '' : t.notWhileNotLive;
    show(apply, may);
    show(undo, may);
    show(back, store.mayOrder('rollback_config'));
    enable(apply, live || (changed ? '' : t.nothingChanged));
    enable(undo, changed ? '' : t.nothingChanged);
    enable(back, live);
    const wrong = dirty ? dirty.faults : [];
    setText(faults, wrong.length > 0 ? t.notAValue(wrong.join(', ')) : '');
    if (wrong.length > 0) enable(apply, t.notAValue(wrong.join(', ')));
    setText(reason, may || store.role === '' ? live : t.adminConfigures);
  });
}
