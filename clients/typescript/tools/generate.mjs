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
// Make the types of the messages, src/protocol.ts, from the AsyncAPI document.
//
//   node tools/generate.mjs [--print]
//
// --print: to the standard output instead.
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { load } from 'js-yaml';
import { compile } from 'json-schema-to-typescript';

const SOURCE = fileURLToPath(new URL('../../../docs/asyncapi.yaml', import.meta.url));
const TARGET = fileURLToPath(new URL('../src/protocol.ts', import.meta.url));
// A type of this name would hide that of the language.
const RENAMED = { Error: 'ErrorMessage' };

const nameOf = (schema) => RENAMED[schema] ?? schema;
const last = (reference) => reference.slice(reference.lastIndexOf('/') + 1);

/** The schemas as definitions of one schema: compiled one by one, their names would collide. */
function definitions(schemas) {
  const named = Object.entries(schemas).map(([name, schema]) => {
    // That either a position or a station is named cannot be written without repeating all fields.
    const { oneOf: _, ...rest } = schema;
    return [nameOf(name), { ...rest, title: nameOf(name) }];
  });
  const text = JSON.stringify(Object.fromEntries(named));
  return JSON.parse(text, (key, value) =>
    key === '$ref' ? `#/definitions/${nameOf(last(value))}` : value,
  );
}

/** A mapping from the types of messages to the types of TypeScript, as the text of an interface. */
function mapping(name, comment, rows) {
  const lines = rows.map(([type, value]) => `  '${type}': ${value};`);
  return `/** ${comment} */\nexport interface ${name} {\n${lines.join('\n')}\n}\n`;
}

function maps({ operations, components }) {
  const typeOf = (message) => nameOf(last(components.messages[message].payload.$ref));
  const events = [];
  const commands = [];
  const replies = [];
  for (const operation of Object.values(operations)) {
    const message = last(operation.messages[0].$ref);
    if (operation['x-delivery']) events.push([message, operation['x-delivery']]);
    if (operation.action !== 'receive') continue;
    const answers = operation.reply.messages.map(({ $ref }) => last($ref));
    commands.push([message, typeOf(message)]);
    replies.push([
      message,
      answers
        .filter((each) => each !== 'error')
        .map(typeOf)
        .join(' | '),
    ]);
  }
  return [
    mapping(
      'EventMap',
      'The events by type.',
      events.map(([type]) => [type, typeOf(type)]),
    ),
    mapping('CommandMap', 'The commands by type.', commands),
    mapping('ReplyMap', 'What answers a command, beside an error.', replies),
    '/** Of the events of a type only the newest counts (state), or each (event). */',
    "export const DELIVERY: ReadonlyMap<string, 'state' | 'event'> = new Map([",
    ...events.map(([type, delivery]) => `  ['${type}', '${delivery}'],`),
    ']);\n',
  ].join('\n');
}

const document = load(readFileSync(SOURCE, 'utf8'));
const types = await compile(
  { title: 'Unused', type: 'object', definitions: definitions(document.components.schemas) },
  'Unused',
  {
    bannerComment: '',
    additionalProperties: false,
    ignoreMinAndMaxItems: true,
    unreachableDefinitions: true,
    style: { singleQuote: true, printWidth: 99 },
  },
);
const licence = readFileSync(fileURLToPath(import.meta.url), 'utf8').match(
  /^(\/\/.*\n)+?(?=\/\/ Make)/,
)[0];
const text = `${licence}// Made from docs/asyncapi.yaml by tools/generate.mjs: npm run generate.

${types.replace(/^export interface Unused \{\}\n+/m, '')}
${maps(document)}`
  // The library says of each definition that the schema of all refers to it.
  .replace(/ \*\n \* This interface was referenced by .*\n \* via the `definition` .*\n/g, '')
  .replace(
    /\/\*\*\n \* This interface was referenced by .*\n \* via the `definition` .*\n \*\/\n/g,
    '',
  );

if (process.argv.includes('--print')) process.stdout.write(text);
else writeFileSync(TARGET, text);
