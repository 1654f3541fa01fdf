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
/** What a person chose for this browser. */
export interface Settings {
  language: 'en' | 'vi';
  theme: 'system' | 'light' | 'dark';
  /** Keys of one character; F8 is always on. */
  keys: boolean;
  sound: boolean;
  /** Length of the trends, minutes. */
  minutes: 1 | 10 | 60;
}

const KEY = 'oht50:settings';

function defaults(): Settings {
  const language = navigator.languages.find((each) => /^(en|vi)\b/i.test(each));
  return {
    language: language?.toLowerCase().startsWith('vi') ? 'vi' : 'en',
    theme: 'system',
    keys: true,
    sound: false,
    minutes: 10,
  };
}

/** Read the settings; browsers that keep nothing have the defaults. */
export function readSettings(): Settings {
  const settings = defaults();
  try {
    const kept = JSON.parse(localStorage.getItem(KEY) ?? '{}') as Partial<Settings>;
    if (kept.language === 'en' || kept.language === 'vi') settings.language = kept.language;
    if (['system', 'light', 'dark'].includes(kept.theme ?? '')) settings.theme = kept.theme!;
    if (typeof kept.keys === 'boolean') settings.keys = kept.keys;
    if ([1, 10, 60].includes(kept.minutes ?? 0)) settings.minutes = kept.minutes!;
  } catch {
    // Nothing is kept, or it cannot be read.
  }
  return settings;
}

/** Keep the settings; not the sound, for which a browser wants a gesture each time. */
export function keepSettings({ sound: _, ...settings }: Settings): void {
  try {
    localStorage.setItem(KEY, JSON.stringify(settings));
  } catch {
    // Then they last as long as the page.
  }
}
