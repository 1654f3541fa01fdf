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
import { button, h, setAttribute, setText, show } from '../dom.js';
import { t } from '../i18n/index.js';
import type { Store } from '../store.js';
import type { Link } from '../types.js';

const SYMBOLS: Readonly<Record<Link['name'], string>> = {
  live: '●',
  delayed: '◔',
  silent: '◌',
  connecting: '…',
  waiting: '✕',
  offline: '✕',
  'signed-out': '⊘',
};

/** How the link stands, in words. */
export function linkText(link: Link): string {
  switch (link.name) {
    case 'live':
      return link.roundTrip === undefined ? t.live : t.liveIn(Math.round(link.roundTrip));
    case 'delayed':
      return t.delayedBy(t.format.number(link.by / 1000, 1));
    case 'waiting':
      return t.reconnecting(Math.ceil(link.left / 1000));
    case 'silent':
      return t.vehicleSilent;
    case 'connecting':
      return t.connecting;
    case 'offline':
      return t.noNetwork;
    case 'signed-out':
      return t.signedOut;
  }
}

/** The badge of the link; it never goes away by itself. */
export function mountLink(element: HTMLElement, store: Store): () => void {
  const symbol = h('span', { 'aria-hidden': 'true' });
  const text = h('span', { class: 'nowrap' });
  const now = button(t.now, () => store.session.client?.retry(), { class: 'small' });
  element.replaceChildren(symbol, text, now);
  return store.watch(() => {
    const { link } = store;
    setAttribute(element, 'data-link', link.name);
    setText(symbol, SYMBOLS[link.name]);
    setText(text, linkText(link));
    show(now, link.name === 'waiting');
    setAttribute(document.documentElement, 'data-link', link.name);
  });
}
