import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { addTool, processesOf, type ToolFolder, type ToolNode, toolFolder, toolNode, until } from '../support/tools.ts';

// One server for all: what one call does must not be seen in the next.
let folder: ToolFolder;
let server: ToolNode;

const ECHO = 'export default async (input) => input;';

beforeAll(async () => {
  folder = toolFolder();
  addTool(folder, 'echo', ECHO, {
    input_schema: {
      type: 'object',
      properties: { n: { type: 'integer', maximum: 9 } },
      additionalProperties: { type: 'string' },
    },
  });
  addTool(folder, 'throws', "export default async () => { throw new Error('no luck'); };");
  addTool(folder, 'at_load', "throw new Error('not even here'); export default () => 1;");
  addTool(folder, 'loop', 'export default async () => { for (;;); };');
  addTool(folder, 'waits', 'export default () => new Promise((resolve) => setTimeout(resolve, 60_000));');
  addTool(folder, 'never', 'export default () => new Promise(() => {});');
  addTool(folder, 'exits', 'export default async () => { process.exit(0); };');
  addTool(folder, 'aborts', 'export default async () => { process.abort(); };');
  addTool(
    folder,
    'rejects',
    "export default () => { Promise.reject(new Error('forgotten')); return new Promise((resolve) => setTimeout(resolve, 5_000)); };",
  );
  addTool(
    folder,
    'later',
    "export default async () => { setTimeout(() => { throw new Error('later'); }, 0); return 'in time'; };",
  );
  addTool(
    folder,
    'heap',
    "export default async () => { const all = []; for (;;) all.push('x'.repeat(1000) + all.length); };",
  );
  addTool(
    folder,
    'buffers',
    'export default async () => { const all = []; for (;;) { all.push(Buffer.alloc(8_000_000, 1)); await new Promise((resolve) => setTimeout(resolve, 2)); } };',
  );
  addTool(
    folder,
    'shouts',
    "export default async () => { const line = 'x'.repeat(1_000_000); for (let i = 0; i < 100; i++) { process.stdout.write(line); console.error(line); } return 'said'; };",
  );
  addTool(folder, 'large', "export default async () => 'x'.repeat(2_000_000);");
  addTool(
    folder,
    'flood',
    "import fs from 'node:fs'; export default async () => { for (;;) try { fs.writeSync(3, 'x'.repeat(60_000)); } catch {} };",
  );
  addTool(
    folder,
    'babble',
    "import fs from 'node:fs'; export default async () => { fs.writeSync(3, 'what?\\n'); await new Promise((resolve) => setTimeout(resolve, 5_000)); };",
  );
  addTool(folder, 'circle', 'export default async () => { const a = {}; a.a = a; return a; };');
  addTool(folder, 'big', 'export default async () => 10n;');
  addTool(folder, 'output', 'export default async ({ give }) => give;', {
    output_schema: { type: 'object', properties: { n: { type: 'number' } }, required: ['n'] },
  });
  addTool(folder, 'slow_pattern', "export default async () => 'ran';", {
    input_schema: { type: 'object', properties: { text: { type: 'string', pattern: '^(a+)+$' } } },
  });
  addTool(
    folder,
    'forks',
    "import { spawn } from 'node:child_process'; export default async () => { spawn('sleep', ['1000']); return 'started'; };",
  );
  addTool(folder, 'env', 'export default async () => process.env;');
  addTool(folder, 'writes', "export default async (input, ctx) => { await ctx.writeText('ran.txt', 'yes'); };", {
    input_schema: { type: 'object', required: ['go'] },
  });
  server = await toolNode(folder, {
    environment: { SECRET: 'no', WEATHER_KEY: 'sunny', PATH: process.env.PATH },
    env: { TOOL_ENV: 'WEATHER_KEY', TOOL_MEMORY_MB: '64' },
  });
});

afterAll(async () => {
  await server[Symbol.asyncDispose]();
  folder[Symbol.dispose]();
});

async function faultOf(name: string, input: object = {}, more: object = {}): Promise<Record<string, string>> {
  const { status, body } = await server.call(name, input, more);
  expect(status, JSON.stringify(body)).toBe(200);
  expect(body.success, JSON.stringify(body)).toBe(false);
  const { events } = (await server.get('/events?after=earliest&types=tool_failed&limit=1000')).body;
  expect(events.at(-1).data).toMatchObject({ tool: name, agent: 'kai', error: body.error.code });
  return body.error;
}

async function stillWorks(): Promise<void> {
  expect((await server.call('echo', { n: 1 })).body).toMatchObject({ success: true, result: { n: 1 } });
}

test('input that does not fit is refused with pointers, and nothing is run or written down', async () => {
  const before = (await server.get('/health')).body.journal.head;
  const wrong = await server.call('echo', { n: 10, other: 5 });
  expect(wrong).toMatchObject({ status: 422, body: { code: 'invalid_tool_input' } });
  expect(wrong.body.errors.map(({ pointer }: { pointer: string }) => pointer).sort()).toEqual([
    '/input/n',
    '/input/other',
  ]);
  const missing = await server.call('writes', {});
  expect(missing.body.errors).toEqual([{ pointer: '/input/go', detail: 'is required' }]);
  expect(existsSync(join(server.dir, 'spaces/agents/kai/ran.txt'))).toBe(false);
  expect(await server.send('POST', '/tools/echo/call', { input: {} })).toMatchObject({
    status: 400,
    body: { error: 'agent is required' },
  });
  expect((await server.send('POST', '/tools/echo/call', { agent: 'kai', input: [1] })).status).toBe(400);
  expect((await server.call('echo', {}, { timeout: 0 })).status).toBe(400);
  expect((await server.call('echo', {}, { timeout: 601 })).status).toBe(400);
  const events = (await server.get(`/events?after=${before}&types=tool_*`)).body.events;
  expect(events).toEqual([]);
});

test('what it throws is told, when it is loaded and when it runs', async () => {
  expect(await faultOf('throws')).toEqual({ code: 'failed', message: 'no luck' });
  expect(await faultOf('at_load')).toEqual({ code: 'failed', message: 'not even here' });
});

test('an endless loop and an endless wait are ended', async () => {
  expect(await faultOf('loop', {}, { timeout: 1 })).toMatchObject({ code: 'timeout' });
  expect(await faultOf('waits', {}, { timeout: 1 })).toMatchObject({ code: 'timeout' });
  await stillWorks();
});

test('a loop outlives no server that was killed: the system bounds its time on the processor', async () => {
  const call = server.call('waits', {}, { timeout: 5 });
  const [id] = await until(
    () => processesOf(server.dir),
    (ids) => ids.length > 0,
  );
  expect(readFileSync(`/proc/${id}/limits`, 'utf8')).toMatch(/Max cpu time\s+30\s+30/);
  expect((await call).body.error.code).toBe('timeout');
});

test('a wait for nothing is seen before the time is over', async () => {
  const fault = await faultOf('never', {}, { timeout: 60 });
  expect(fault).toEqual({ code: 'failed', message: 'It waits for something that cannot come any more.' });
});

test('a process that ends by itself is told with what it said last', async () => {
  expect(await faultOf('exits')).toMatchObject({ code: 'crashed', message: expect.stringContaining('code 0') });
  expect(await faultOf('aborts')).toMatchObject({ code: 'crashed', message: expect.stringContaining('SIGABRT') });
  expect(await faultOf('rejects')).toMatchObject({ code: 'crashed', output: expect.stringContaining('forgotten') });
  await stillWorks();
});

test('what happens after the answer is of no account', async () => {
  expect((await server.call('later')).body).toMatchObject({ success: true, result: 'in time' });
});

test('memory is bounded: the heap, and what is beside it', async () => {
  expect(await faultOf('heap')).toMatchObject({ code: 'out_of_memory' });
  expect(await faultOf('buffers')).toMatchObject({ code: 'out_of_memory' });
  await stillWorks();
});

test('what it prints is taken and forgotten; a result that is too large, or no JSON, is refused', async () => {
  expect((await server.call('shouts')).body).toMatchObject({ success: true, result: 'said' });
  expect(await faultOf('large')).toMatchObject({ code: 'too_large' });
  expect(await faultOf('flood')).toMatchObject({ code: 'too_large' });
  expect(await faultOf('babble')).toMatchObject({ code: 'crashed' });
  expect(await faultOf('circle')).toMatchObject({ code: 'failed', message: expect.stringContaining('no JSON') });
  expect(await faultOf('big')).toMatchObject({ code: 'failed', message: expect.stringContaining('no JSON') });
  await stillWorks();
});

test('a result that does not fit its schema is a failure', async () => {
  expect(await faultOf('output', { give: { n: 'one' } })).toMatchObject({
    code: 'invalid_output',
    message: 'n must be number',
  });
  expect((await server.call('output', { give: { n: 1 } })).body.result).toEqual({ n: 1 });
});

test('a pattern that takes for ever stops neither the server nor the next call', async () => {
  let answered = false;
  const call = server.call('slow_pattern', { text: `${'a'.repeat(60)}!` }).finally(() => {
    answered = true;
  });
  for (let i = 0; i < 20; i++) expect((await server.get('/health')).status).toBe(200);
  expect(answered).toBe(false);
  expect(await call).toMatchObject({ status: 422, body: { detail: expect.stringContaining('takes longer than') } });
  expect((await server.call('slow_pattern', { text: 'aaa' })).body.result).toBe('ran');
});

test('it starts no processes, and none is left of it', async () => {
  expect(await faultOf('forks')).toMatchObject({ code: 'failed', message: expect.stringContaining('Access') });
  await until(
    () => processesOf(server.dir),
    (left) => left.length === 0,
  );
});

test('where it may start processes, they end with it', async () => {
  await using other = await toolNode(folder, {
    environment: { PATH: process.env.PATH },
    env: { TOOL_MAY_START_PROCESSES: '1', TOOL_ENV: 'PATH' },
  });
  expect((await other.call('forks')).body).toMatchObject({ success: true, result: 'started' });
  await until(
    () => processesOf(other.dir),
    (left) => left.length === 0,
  );
});

test('of the environment it sees what is named, and its own home', async () => {
  const { result } = (await server.call('env')).body;
  expect(result).toMatchObject({ WEATHER_KEY: 'sunny', HOME: join(server.dir, 'spaces/agents/kai') });
  expect(result).not.toHaveProperty('SECRET');
  expect(result).not.toHaveProperty('PATH');
});

test('an account of a call holds neither input nor result', async () => {
  await server.call('echo', { word: 'hush-hush' });
  const text = JSON.stringify((await server.get('/events?after=earliest&types=tool_*&limit=1000')).body);
  expect(text).toContain('"tool":"echo"');
  expect(text).not.toContain('hush-hush');
});

test('twenty at once, of which some fail, each get their own answer', async () => {
  const answers = await Promise.all(
    Array.from({ length: 20 }, (_, n) => server.call(n % 5 === 0 ? 'throws' : 'echo', { n: n % 10, mine: `${n}` })),
  );
  for (const [n, { body }] of answers.entries()) {
    if (n % 5 === 0) expect(body.error.message).toBe('no luck');
    else expect(body.result).toEqual({ n: n % 10, mine: `${n}` });
  }
  await until(
    () => processesOf(server.dir),
    (left) => left.length === 0,
  );
});
