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
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';

import { defineConfig } from 'vite';
import type { Plugin } from 'vite';

/** What HTML, script and style sheet of the first load may have together, compressed, bytes. */
const BUDGET = 60_000;
/** What is loaded later. */
const LATER = 30_000;

const output = join(import.meta.dirname, '..', 'oht50_bridge', 'page');

/** Fails a build that is too large: the bridge sends each file over a connection of its own. */
function budget(): Plugin {
  return {
    name: 'oht50-budget',
    apply: 'build',
    closeBundle() {
      const html = readFileSync(join(output, 'index.html'), 'utf-8');
      const names = readdirSync(output, { recursive: true, encoding: 'utf-8' }).filter((name) =>
        /\.(html|js|css)$/.test(name),
      );
      const first = (name: string): boolean => name === 'index.html' || html.includes(name);
      for (const [what, found, most] of [
        ['at first', names.filter(first), BUDGET],
        ['later', names.filter((name) => !first(name)), LATER],
      ] as const) {
        const sizes = found.map((name) => gzipSync(readFileSync(join(output, name))).length);
        const size = sizes.reduce((sum, each) => sum + each, 0);
        const text = `${sizes.length} files are loaded ${what}, ${size} of ${most} bytes in gzip`;
        console.log(text);
        if (size > most) throw new Error(text);
      }
    },
  };
}

export default defineConfig({
  base: './',
  plugins: [budget()],
  build: {
    outDir: output,
    emptyOutDir: true,
    // Nothing inline: the policy of the bridge allows none of it.
    assetsInlineLimit: 0,
    modulePreload: false,
    sourcemap: false,
    license: { fileName: 'third-party.txt' },
  },
});
