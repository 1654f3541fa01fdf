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
import type { Dictionary } from './en.js';
import { en } from './en.js';
import { vi } from './vi.js';

const DICTIONARIES = { en, vi } as const;

/** The texts in the language that is chosen. */
export let t: Dictionary = en;

/** Choose a language; the page is drawn anew by the one who does. */
export function setLanguage(language: keyof typeof DICTIONARIES): void {
  t = DICTIONARIES[language];
}
