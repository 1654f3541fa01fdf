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
import { duration } from '../logic/format.js';
import type { Store } from '../store.js';
import { mountLink } from './link.js';
import { mountState } from './state.js';

/** Before the end of a session that nobody extends, ms. */
const WARNED = 60_000;
/** A difference of the clocks that is worth a note, ms. */
const CLOCKS_DIFFER = 2000;

export const PAGES = ['', 'missions', 'alarms', 'modules', 'config', 'log', 'about'] as const;
export type Page = (typeof PAGES)[number];

/** Which page the address names. */
export function currentPage(): Page {
  const name = location.hash.replace(/^#\/?/, '') as Page;
  return PAGES.includes(name) ? name : '';
}

/** Identity, link, state, who is signed in, and the way to the levels. */
export function mountHeader(
  element: HTMLElement,
  store: Store,
  { help, language, theme }: { help: () => void; language: () => void; theme: () => void },
): () => void {
  const name = h('span', { class: 'vehicle-name' });
  const mode = h('span', { class: 'tag' });
  const link = h('div', { class: 'badge', id: 'link' });
  const state = h('div', { class: 'badge', id: 'state' });
  const who = h('span', { class: 'who' });
  const clock = h('time', { class: 'clock' });
  const clocks = h('span', { class: 'tag attention' });
  const out = button(t.signOut, () => {
    menu.open = false;
    store.session.signOut();
  });
  const links = PAGES.map((page) => {
    const count = h('span', { class: 'count' });
    return [
      page,
      h('a', { href: `#/${page}` }, t.pages[page === '' ? 'overview' : page], count),
      count,
    ] as const;
  });
  const summary = h('summary', { 'aria-label': t.menu }, '☰');
  const menu = h('details', { class: 'menu' }, summary);
  const leave = (): void => {
    menu.open = false;
    summary.focus();
  };
  menu.append(
    h(
      'div',
      { class: 'menu-items' },
      who,
      button(t.otherLanguage, language, { lang: t.otherLanguageCode }),
      button(`${t.theme}: ${t.themes[store.settings.theme]}`, theme),
      button(t.help, () => {
        // The menu would cover the dialog, and its end leads back to where the focus was.
        leave();
        help();
      }),
      out,
    ),
  );
  const main = h(
    'div',
    { class: 'header-line' },
    h('h1', {}, 'OHT-50 ', name, ' ', mode),
    link,
    state,
    clocks,
    h('span', { class: 'spacer' }),
    clock,
    menu,
  );
  element.replaceChildren(
    main,
    h('nav', { 'aria-label': t.levels }, ...links.map(([, anchor]) => anchor)),
  );
  const offs = [mountLink(link, store), mountState(state, store)];
  const closeMenu = ({ target }: Pick<Event, 'target'>): void => {
    if (!menu.contains(target as Node)) menu.open = false;
  };
  document.addEventListener('pointerdown', closeMenu);
  // Nor does it cover what the focus goes to.
  menu.addEventListener('focusout', (event) => {
    if (event.relatedTarget) closeMenu({ target: event.relatedTarget });
  });
  menu.addEventListener('keydown', (event) => {
    if (event.key === 'Escape' && menu.open) leave();
  });
  const off = store.watch(() => {
    setText(name, store.vehicle?.name ?? '');
    const kind = store.vehicle?.mode;
    show(mode, kind !== undefined && kind !== 'live');
    setText(mode, kind ? t.modes[kind] : '');
    const { claims } = store.session;
    const left = store.timeLeft;
    const signedIn = store.session.client !== undefined && claims !== undefined;
    const ends = left !== undefined && !store.session.isRenewable && left < WARNED;
    const until = left === undefined ? '' : duration(left / 1000);
    const person = claims ? t.person(claims.sub, t.roles[store.role] ?? store.role) : '';
    setText(who, signedIn ? `${person}, ${t.signedInFor(until)}` : t.signedOut);
    setAttribute(who, 'data-mark', ends ? 'attention' : undefined);
    show(out, signedIn);
    setText(clock, t.format.time(Date.now()));
    const difference = store.isLive ? (store.clockDifference ?? 0) : 0;
    show(clocks, Math.abs(difference) > CLOCKS_DIFFER);
    setText(clocks, t.clocksDiffer(t.format.number(difference / 1000, 0)));
    const now = performance.now();
    const here = currentPage();
    for (const [page, anchor, count] of links) {
      setAttribute(anchor, 'aria-current', page === here ? 'page' : undefined);
      if (page !== 'alarms') continue;
      const unseen = store.alarms.shown(now).filter((alarm) => alarm.state !== 'acknowledged');
      setText(count, unseen.length > 0 ? ` ${unseen.length}` : '');
    }
  });
  return () => {
    off();
    for (const each of offs) each();
    document.removeEventListener('pointerdown', closeMenu);
  };
}
