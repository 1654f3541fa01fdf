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
import { h } from '../dom.js';
import type { Store } from '../store.js';

/** Between two texts, so that each can be read out, ms. */
const EACH = 3000;

/** A region that is read out: one text in a while, of those that wait the newest. */
class Region {
  readonly #element: HTMLElement;
  #waiting: string | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(element: HTMLElement) {
    this.#element = element;
  }

  say(text: string): void {
    if (this.#timer !== undefined) {
      this.#waiting = text;
      return;
    }
    // The same text again would not be read.
    this.#element.replaceChildren(h('span', {}, text));
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      const next = this.#waiting;
      this.#waiting = undefined;
      if (next !== undefined) this.say(next);
    }, EACH);
  }
}

/** Have texts read out; the regions are in the page from the start. */
export function mountLiveRegions(store: Store): void {
  const [alert, status] = ['live-alert', 'live-status'].map(
    (id) => new Region(document.getElementById(id)!),
  ) as [Region, Region];
  store.onSay((text, urgent) => (urgent ? alert : status).say(text));
}
