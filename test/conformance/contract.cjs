// Check docs/asyncapi.yaml with the AsyncAPI project's parser, or messages with docs/schemas.
//
//   node contract.cjs document DOCS
//   node contract.cjs messages DOCS < messages.jsonl
//
// Each line of messages.jsonl is {"valid": ..., "message": ...}. Prints what is wrong; exit code 1.
const fs = require('fs');
const path = require('path');

const [what, docs] = process.argv.slice(2);
const problems = [];

async function checkDocument() {
  const { Parser } = require('@asyncapi/parser');
  const text = fs.readFileSync(path.join(docs, 'asyncapi.yaml'), 'utf8');
  const { document, diagnostics } = await new Parser().parse(text);
  for (const { severity, code, message, path: place } of diagnostics) {
    // 0 is an error, 1 a warning; below it is advice, such as that there is a newer AsyncAPI.
    if (severity <= 1) problems.push(`asyncapi.yaml: ${code}: ${message} at ${place.join('.')}`);
  }
  if (!document) problems.push('asyncapi.yaml: not a document');
  else return { messages: document.allMessages().length };
}

function checkSchemas() {
  const Ajv = require('ajv/dist/2020');
  const ajv = new Ajv({ strict: true, strictTypes: false, strictRequired: false });
  ajv.addVocabulary(['x-unit']);
  const validators = new Map();
  for (const file of fs.readdirSync(path.join(docs, 'schemas'))) {
    const schema = JSON.parse(fs.readFileSync(path.join(docs, 'schemas', file), 'utf8'));
    const validate = ajv.compile(schema);
    const complain = (fault, example) => problems.push(
      `${file}: ${fault}: ${JSON.stringify(example)}: ${ajv.errorsText(validate.errors)}`);
    for (const example of schema.examples) {
      if (!validate(example)) complain('example refused', example);
      if (validate({ ...example, surplus: 1 })) complain('taken with a key too many', example);
      for (const key of schema.required) {
        const { [key]: _, ...rest } = example;
        if (validate(rest)) complain(`taken without ${key}`, example);
      }
    }
    validators.set(path.basename(file, '.json'), validate);
  }
  return { ajv, validators };
}

function checkMessages({ ajv, validators }) {
  const lines = fs.readFileSync(0, 'utf8').split('\n').filter(Boolean);
  for (const line of lines) {
    const { valid, message } = JSON.parse(line);
    const validate = validators.get(message.type);
    if (!validate) problems.push(`no schema of ${line}`);
    else if (validate(message) !== valid) {
      problems.push(`valid should be ${valid}: ${line}: ${ajv.errorsText(validate.errors)}`);
    }
  }
  return { schemas: validators.size, lines: lines.length };
}

const check = what === 'document' ? checkDocument : async () => checkMessages(checkSchemas());
check().then((figures) => {
  for (const problem of problems) console.log(problem);
  if (problems.length) process.exit(1);
  console.log(JSON.stringify(figures));
});
