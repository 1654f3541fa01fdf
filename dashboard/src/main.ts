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
import { acknowledgeFirst, mountAlarms, mountAlarmsPage, mountTitle } from './widgets/alarms.js';
import { h, setAttribute, show } from './dom.js';
import { setLanguage, t } from './i18n/index.js';
import { tokensOfFragment } from './logic/tokens.js';
import { Store } from './store.js';
import { keysTable, mountAboutPage } from './widgets/about.js';
import { mountBanners } from './widgets/banner.js';
import { mountConfigPage } from './widgets/config.js';
import { closeDialog, openDialog } from './widgets/dialog.js';
import { currentPage, mountHeader } from './widgets/header.js';
import type { Page } from './widgets/header.js';
import { mountLiveRegions } from './widgets/live.js';
import { mountLog, mountLogPage } from './widgets/log.js';
import { mountLogin } from './widgets/login.js';
import { mountMission } from './widgets/mission.js';
import { mountModules, mountModulesPage } from './widgets/modules.js';
import { mountRail } from './widgets/rail.js';
import { mountStop } from './widgets/stop.js';
import { mountTiles } from './widgets/tiles.js';
import type { Mount } from './widgets/widget.js';

// Before anything else: no address with a token in it stays in the history.
const linked = tokensOfFragment(location.hash);
if (linked) history.replaceState(null, '', `${location.pathname}${location.search}#/`);

const place = (id: string): HTMLElement => document.getElementById(id)!;
/** The bridge is where the page came from, but for a page that another host serves. */
const elsewhere = document.querySelector<HTMLMetaElement>('meta[name="oht50-bridge"]')?.content;
const store = new Store(elsewhere ? new URL(elsewhere).origin : location.origin);

const WIDGETS: Readonly<Record<Page, readonly [string, Mount][]>> = {
  '': [
    ['rail', mountRail],
    ['tiles', mountTiles],
    ['mission', mountMission],
    ['alarms', mountAlarms],
    ['modules', mountModules],
    ['log', mountLog],
  ],
  missions: [
    ['rail', mountRail],
    ['mission', mountMission],
    ['log', mountLog],
  ],
  alarms: [['alarms', mountAlarmsPage]],
  modules: [['modules', mountModulesPage]],
  config: [['config', mountConfigPage]],
  log: [['log', mountLogPage]],
  about: [['about', mountAboutPage]],
};

let offs: (() => void)[] = [];
let pageOffs: (() => void)[] = [];

function mountPage(): void {
  closeDialog();
  for (const off of pageOffs) off();
  const page = currentPage();
  const content = place('content');
  setAttribute(content, 'data-page', page || 'overview');
  const places = WIDGETS[page].map(
    ([name, mount]) => [h('div', { class: `w-${name}` }), mount] as const,
  );
  content.replaceChildren(...places.map(([element]) => element));
  pageOffs = places.map(([element, mount]) => mount(element, store));
  place('main').scrollTop = 0;
  store.changed();
}

function setTheme(): void {
  const { theme } = store.settings;
  setAttribute(document.documentElement, 'data-theme', theme === 'system' ? undefined : theme);
}

function nextTheme(): void {
  const order = ['system', 'light', 'dark'] as const;
  store.set('theme', order[(order.indexOf(store.settings.theme) + 1) % order.length]!);
  setTheme();
  mountAll();
}

function help(): void {
  openDialog(t.help, [
    h('p', {}, t.helpText),
    keysTable(),
    ...t.stopNotes.map((x) => h('p', {}, x)),
  ]);
}

/** What was pressed in the menu is made anew: the focus stays there. */
function focusMenu(): void {
  place('header').querySelector('summary')?.focus();
}

function mountAll(): void {
  for (const off of offs) off();
  setLanguage(store.settings.language);
  document.documentElement.lang = store.settings.language;
  place('skip').textContent = t.skip;
  setAttribute(place('stop'), 'aria-label', t.stop);
  offs = [
    mountStop(place('stop'), store),
    mountHeader(place('header'), store, {
      help,
      theme: () => {
        nextTheme();
        focusMenu();
      },
      language: () => {
        store.set('language', store.settings.language === 'en' ? 'vi' : 'en');
        mountAll();
        focusMenu();
      },
    }),
    mountBanners(place('banners'), store),
    mountLogin(place('login'), store),
    mountTitle(store),
  ];
  mountPage();
}

const LEVELS: readonly Page[] = ['', 'alarms', 'modules', 'log'];

function keys(event: KeyboardEvent): void {
  if (event.key === 'Escape') {
    if (closeDialog()) event.preventDefault();
    return;
  }
  const target = event.target as HTMLElement;
  const writes = target.closest('input, select, textarea, [contenteditable]') !== null;
  const modified = event.ctrlKey || event.altKey || event.metaKey;
  if (!store.settings.keys || writes || modified || event.repeat) return;
  const level = LEVELS['1234'.indexOf(event.key)];
  if (level !== undefined && event.key.length === 1) location.hash = `#/${level}`;
  else if (event.key === '?') help();
  else if (event.key === '/') {
    event.preventDefault();
    document.querySelector<HTMLInputElement>('.log-filter')?.focus();
  } else if (event.key.toLowerCase() === 't') nextTheme();
  else if (event.key.toLowerCase() === 'a') acknowledgeFirst(store);
  else if (event.key.toLowerCase() === 'p') store.freeze(!store.isFrozen);
}

setTheme();
setLanguage(store.settings.language);
mountLiveRegions(store);
mountAll();
store.session.start(linked);
addEventListener('keydown', keys);
addEventListener('hashchange', () => {
  const tokens = tokensOfFragment(location.hash);
  if (tokens) {
    history.replaceState(null, '', `${location.pathname}${location.search}#/`);
    store.session.start(tokens);
  }
  mountPage();
});
place('skip').addEventListener('click', (event) => {
  // The address is for the levels.
  event.preventDefault();
  place('content').focus();
});
show(place('app'), true);
