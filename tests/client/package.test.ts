import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { temporaryDirectory } from '../support/directory.ts';
import { testNode } from '../support/node.ts';
import { installPackage, runIn, TSC } from '../support/package.ts';

let consumer: ReturnType<typeof temporaryDirectory>;
beforeAll(() => {
  consumer = temporaryDirectory();
  installPackage(consumer.path);
  writeFileSync(join(consumer.path, 'package.json'), '{"name":"consumer","type":"module","private":true}');
}, 120_000);
afterAll(() => consumer[Symbol.dispose]());

const PROGRAM = `
import { createClient, ProblemError } from 'reflectt-node/client';
const kai = createClient({ url: process.argv[2], agent: 'kai' });
const stream = kai.subscribe({ filter: { types: ['message_posted'] }, after: 'earliest' });
const { message } = await kai.messages.send({ content: 'from a package' });
for await (const each of stream) if (each.kind === 'event') { console.log(each.event.data.content); break; }
await kai.messages.get({ id: 'none' }).catch((error) => console.log(error instanceof ProblemError, error.code));
`;

test('a program that installed the package calls and subscribes, and ends by itself', async () => {
  await using server = await testNode();
  writeFileSync(join(consumer.path, 'program.mjs'), PROGRAM);
  const child = spawn(process.execPath, ['program.mjs', server.url], { cwd: consumer.path, stdio: 'pipe' });
  let output = '';
  child.stdout.on('data', (data) => (output += data));
  child.stderr.on('data', (data) => (output += data));
  const status = await new Promise((resolve) => child.once('exit', resolve));
  expect(output).toBe('from a package\ntrue message_not_found\n');
  expect(status).toBe(0);
});

function compile(source: string, settings: object = {}): string {
  writeFileSync(join(consumer.path, 'program.ts'), source);
  const compilerOptions = {
    strict: true,
    noEmit: true,
    target: 'ES2023',
    module: 'NodeNext',
    lib: ['ES2023', 'ESNext.Disposable'],
    types: ['node'],
    ...settings,
  };
  writeFileSync(join(consumer.path, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['program.ts'] }));
  return runIn(consumer.path, [TSC, '-p', '.']).output;
}

const TYPED = `
import { createClient, type Event, type Output } from 'reflectt-node/client';
const kai = createClient({ agent: 'kai' });
const { message } = await kai.messages.send({ content: 'hi' });
const id: string = message.id;
const { task, claim } = await kai.tasks.claim({ id: 'task-1' });
const until: number = claim.expiresAt;
for await (const each of kai.subscribe({ snapshot: true })) if (each.kind === 'event') { const event: Event = each.event; void event; }
export type Sent = Output<'messages.send'>;
void [id, task, until];
`;

test('its types say what an operation takes and answers, with every check of the compiler on', () => {
  expect(compile(TYPED)).toBe('');
  expect(compile(TYPED, { module: 'ESNext', moduleResolution: 'Bundler', exactOptionalPropertyTypes: true })).toBe('');
}, 120_000);

const WRONG = [
  ['a field of the wrong type', 'await kai.messages.send({ content: 5 });'],
  ['a field that is missing', 'await kai.messages.send({});'],
  ['an input that is missing', 'await kai.messages.send();'],
  ['an operation that is not there', "await kai.messages.shout({ content: 'x' });"],
  ['a name that is not there', "await kai.call('messages.shout', { content: 'x' });"],
  ['an answer that is another', "export const n: number = (await kai.messages.send({ content: 'x' })).message.id;"],
  ['nobody who speaks', "await createClient().messages.send({ content: 'x' });"],
  ['an unknown status', "await kai.presence.declare({ status: 'asleep' });"],
  ['a filter that is none', "kai.subscribe({ filter: { type: ['x'] } });"],
] as const;

test('what is wrong does not compile: a field, an operation, an answer, nobody who speaks', () => {
  const lines = ["import { createClient } from 'reflectt-node/client'; const kai = createClient({ agent: 'kai' });"];
  const told = compile([...lines, ...WRONG.map(([, line]) => line)].join('\n'));
  const at = new Set([...told.matchAll(/program\.ts\((\d+),\d+\): error TS/g)].map(([, line]) => Number(line)));
  expect(WRONG.filter((_, i) => !at.has(i + 2)).map(([name]) => name)).toEqual([]);
  expect(at).not.toContain(1);
}, 60_000);
