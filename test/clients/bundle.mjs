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
// Bundle the scenarios for a browser:  node bundle.mjs OUTPUT
import { fileURLToPath } from 'node:url';

import { build } from 'vite';

const here = (name) => fileURLToPath(new URL(name, import.meta.url));
await build({
  configFile: false,
  root: here('.'),
  logLevel: 'error',
  resolve: {
    alias: { 'node:timers/promises': here('shims.mjs'), 'node:util': here('shims.mjs') },
  },
  build: {
    outDir: process.argv[2],
    minify: false,
    rolldownOptions: {
      input: here('build/browser.js'),
      output: { entryFileNames: 'scenarios.js' },
    },
  },
});
