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
import { button, h, refill, setAttribute, setText, show } from '../dom.js';
import { t } from '../i18n/index.js';
import type { Store } from '../store.js';
import { linkText } from './link.js';

/** What concerns all of the page, until it is over: no link, a recording, a new version, a flood. */
export function mountBanners(element: HTMLElement, store: Store): () => void {
  const line = (kind: string): [HTMLElement, HTMLElement] => {
    const text = h('span', {});
    const box = h('div', { class: `banner ${kind}`, hidden: true }, text);
    return [box, text];
  };
  const [link, linkWords] = line('abnormal');
  const linkTime = h('span', {});
  link.append(linkTime);
  const [replay, replayWords] = line('recording');
  const [version, versionWords] = line('plain');
  const [frozen, frozenWords] = line('plain');
  frozen.append(button(t.continueLog, () => store.freeze(false), { class: 'small' }));
  setText(frozenWords, t.paused);
  const [flood, floodWords] = line('abnormal');
  version.append(button(t.reload, () => location.reload()));
  setText(replayWords, t.recording);
  setText(versionWords, t.newVersion);
  const result = document.getElementById('result')!;
  const resultWords = h('span', {});
  result.replaceChildren(resultWords);
  element.replaceChildren(link, replay, version, frozen, flood);
  return store.watch(() => {
    const state = store.link;
    const name = state.name;
    show(link, name !== 'live' && name !== 'signed-out');
    const since = store.telemetryTime;
    setText(linkWords, linkText(state));
    setText(linkTime, since === undefined ? '' : t.valuesAsOf(t.format.time(since)));
    show(replay, store.isReplay);
    show(version, store.isNewVersion);
    show(frozen, store.isFrozen);
    // A screen that nobody operates renews itself while nothing moves.
    if (store.isNewVersion && store.session.isKept && store.status?.state === 'ready')
      if (!store.mayOrder('start_mission')) location.reload();
    const many = store.alarms.flood(performance.now());
    show(flood, many !== undefined);
    if (many) {
      const sources = many.sources.slice(0, 4).map(([source, count]) => `${source}: ${count}`);
      refill(floodWords, sources.join() + many.count, () => [
        t.flood(many.count, sources.join(', ')),
      ]);
    }
    show(result, store.notice !== undefined);
    setText(resultWords, store.notice?.text ?? '');
    setAttribute(result, 'data-urgent', store.notice?.urgent ? 'yes' : undefined);
  });
}
