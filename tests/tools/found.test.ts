import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { testNode } from '../support/node.ts';
import { addTool, toolFolder, toolNode, until } from '../support/tools.ts';

const HELLO = "export default async ({ name }) => 'hello ' + name;";

test('without TOOLS_DIR there are no tools, and the answers say so', async () => {
  await using server = await testNode();
  const { body } = await server.get('/tools');
  expect(body).toMatchObject({ tools: [], count: 0, folders: [], hint: expect.stringContaining('TOOLS_DIR') });
  const call = await server.send('POST', '/tools/echo/call', { agent: 'kai', input: {} });
  expect(call).toMatchObject({ status: 404, body: { code: 'tool_not_found' } });
  expect(call.body.detail).toContain('TOOLS_DIR is not set');
});

test('both dialects are read, and a tool is called by id, else function_name, else name', async () => {
  using folder = toolFolder();
  const parameters = { type: 'object', properties: { name: { type: 'string' } }, required: ['name'] };
  folder.add(
    'words/a',
    {
      id: 'greet',
      name: 'Greeting',
      function_name: 'sayHello',
      description: 'Greets.',
      category: 'people',
      parameters,
    },
    { 'implementation.ts': "export async function sayHello(input: { name: string }) { return 'hi ' + input.name; }" },
  );
  folder.add('words/b', { function_name: 'hail', name: 'Hail' }, { 'implementation.js': HELLO });
  folder.add('words/c', { name: 'hello', input_schema: parameters }, { 'handler.mjs': HELLO });
  folder.add('words/d', { name: 'common' }, { 'handler.cjs': 'module.exports = async (input) => Object.keys(input);' });
  await using server = await toolNode(folder);
  const { body } = await server.get('/tools');
  expect(body.tools.map((tool: { name: string }) => tool.name)).toEqual(['common', 'greet', 'hail', 'hello']);
  expect(body.statuses).toEqual({ ready: 4 });
  const results = [];
  for (const name of ['greet', 'hail', 'hello', 'common'])
    results.push((await server.call(name, { name: 'ada' })).body.result);
  expect(results).toEqual(['hi ada', 'hello ada', 'hello ada', ['name']]);
  const { tool } = (await server.get('/tools/greet')).body;
  expect(tool).toEqual({
    name: 'greet',
    category: 'people',
    description: 'Greets.',
    status: 'ready',
    source: 'folder',
    input_schema: parameters,
  });
});

test('what cannot run is listed with what is missing, and a call of it is refused', async () => {
  using folder = toolFolder();
  const package_ = "import left from 'no-such-package-at-all'; export default () => left;";
  const host = "import { db } from '@/db'; export default () => db;";
  const other = "import { launchRockets } from '@/lib/tools/helpers'; export default () => launchRockets();";
  const shared = "export * from './shared.mjs';";
  addTool(folder, 'package', package_);
  addTool(folder, 'host', host);
  addTool(folder, 'unknown', other);
  addTool(folder, 'env', HELLO, { required_env: ['NO_SUCH_KEY'] });
  addTool(folder, 'syntax', 'export default async ( => 1;');
  addTool(folder, 'nothing', 'const a = 1;');
  addTool(folder, 'exports', 'export const a = () => 1; export const b = () => 2;');
  addTool(folder, 'schema', HELLO, { input_schema: { type: 'strange' } });
  addTool(folder, 'remote', HELLO, { input_schema: { $ref: 'http://127.0.0.1:9/schema.json' } });
  addTool(folder, 'list', HELLO, { parameters: ['name'] });
  addTool(folder, 'relative', shared);
  addTool(folder, 'a b', HELLO);
  folder.add('test/nofile', { name: 'nofile' });
  folder.add('test/json', '{"name": "json",', { 'implementation.mjs': HELLO });
  folder.add('test/array', '[]', { 'implementation.mjs': HELLO });
  folder.add('test/large', ' '.repeat(300_000), { 'implementation.mjs': HELLO });
  addTool(folder, 'good', HELLO);
  await using server = await toolNode(folder);
  const { body } = await server.get('/tools');
  const found = Object.fromEntries(
    body.tools.map(({ name, status, reason }: Record<string, string>) => [name, `${status}: ${reason}`]),
  );
  expect(found).toEqual({
    package: expect.stringMatching(/^needs_package: .*no-such-package-at-all is not installed/),
    host: 'needs_host_module: @/db is a module of another host',
    unknown: expect.stringMatching(/^needs_host_module: .*launchRockets/),
    env: 'needs_env: NO_SUCH_KEY is not set, or not named in TOOL_ENV',
    syntax: expect.stringMatching(/^invalid: line 1: /),
    nothing: 'invalid: it exports nothing',
    exports: 'invalid: it exports none of default, exports, but a, b',
    schema: expect.stringMatching(/^invalid: input_schema is no JSON Schema: /),
    remote: expect.stringMatching(/^invalid: input_schema is no JSON Schema: .*can't resolve reference/),
    list: expect.stringMatching(/^invalid: parameters is no JSON Schema: it must be an object/),
    relative: 'invalid: it exports nothing; ./shared.mjs is not there',
    a_b: expect.stringMatching(/^invalid: "a b" is no name/),
    nofile: expect.stringMatching(/^invalid: there is no implementation/),
    json: expect.stringMatching(/^invalid: definition.json: /),
    array: 'invalid: definition.json: it is no JSON object',
    large: expect.stringMatching(/^invalid: definition.json: it is larger than 256 KiB/),
    good: 'ready: undefined',
  });
  const call = await server.call('package');
  expect(call).toMatchObject({ status: 409, body: { code: 'tool_not_ready', tool_status: 'needs_package' } });
  expect((await server.get('/tools?status=needs_env')).body.tools).toHaveLength(1);
});

test('a tool that shares a file with others is invalid where that file is', async () => {
  using folder = toolFolder();
  addTool(folder, 'one', "export { default } from '../shared.mjs';");
  addTool(folder, 'two', "export { default } from '../shared.mjs';");
  writeFileSync(join(folder.path, 'test/shared.mjs'), 'export default ( => 1;');
  addTool(folder, 'three', HELLO);
  await using server = await toolNode(folder);
  const { statuses, tools } = (await server.get('/tools')).body;
  expect(statuses).toEqual({ invalid: 2, ready: 1 });
  expect(tools[0].reason).toContain('shared.mjs: line 1');
  writeFileSync(join(folder.path, 'test/shared.mjs'), "export default () => 'mended';");
  await until(
    async () => (await server.get('/tools')).body.statuses,
    ({ ready }) => ready === 3,
  );
  expect((await server.call('two')).body).toMatchObject({ success: true, result: 'mended' });
});

test('several that want one name are category.name, and the bare name says so', async () => {
  using folder = toolFolder();
  folder.add('one/find', { name: 'find' }, { 'handler.mjs': "export default () => 'one';" });
  folder.add('two/find', { name: 'find' }, { 'handler.mjs': "export default () => 'two';" });
  folder.add('two/again', { name: 'find' }, { 'handler.mjs': "export default () => 'three';" });
  folder.add('two/alone', { name: 'alone' }, { 'handler.mjs': "export default () => 'alone';" });
  await using server = await toolNode(folder);
  const { tools } = (await server.get('/tools')).body;
  const names = tools.map(({ name, status }: Record<string, string>) => `${name} ${status}`);
  expect(names).toEqual(['alone ready', 'one.find ready', 'two.find ready', 'two.find.2 invalid']);
  expect((await server.call('one.find')).body.result).toBe('one');
  expect((await server.call('two.alone')).body.result).toBe('alone');
  const bare = await server.call('find');
  expect(bare).toMatchObject({ status: 404, body: { candidates: ['two.find', 'one.find'].sort() } });
});

test('a list is found by words, by category, and goes on', async () => {
  using folder = toolFolder();
  folder.add('web/a', { name: 'page', description: 'Reads a page.' }, { 'handler.mjs': HELLO });
  folder.add('web/b', { name: 'image', description: 'Draws on a page.' }, { 'handler.mjs': HELLO });
  folder.add('mail/c', { name: 'letter', description: 'Writes.' }, { 'handler.mjs': HELLO });
  await using server = await toolNode(folder);
  const names = async (query: string) =>
    (await server.get(`/tools?${query}`)).body.tools.map(({ name }: { name: string }) => name);
  expect(await names('q=PAGE')).toEqual(['page', 'image']);
  expect(await names('q=page+draws')).toEqual(['image']);
  expect(await names('q=rocket')).toEqual([]);
  expect(await names('category=mail')).toEqual(['letter']);
  const first = (await server.get('/tools?limit=2')).body;
  expect(first).toMatchObject({ count: 3, more: true });
  expect(await names(`limit=2&cursor=${first.cursor}`)).toEqual(['page']);
  expect(await server.get('/tools?cursor=x')).toMatchObject({ status: 400, body: { code: 'invalid_cursor' } });
  expect((await server.get('/tools?status=odd')).status).toBe(400);
});

test('a change is seen: edited, added, taken away, and a folder that comes later', async () => {
  using folder = toolFolder();
  addTool(folder, 'first', "export default () => 'before';");
  const late = join(folder.path, '..', `${folder.path.split('/').at(-1)}-late`);
  await using server = await toolNode({ path: `${folder.path}:${late}` });
  expect((await server.call('first')).body.result).toBe('before');
  expect((await server.get('/tools')).body.folders[1]).toMatchObject({ path: late, error: expect.any(String) });
  writeFileSync(join(folder.path, 'test/first/implementation.mjs'), "export default () => 'after';");
  await until(
    async () => (await server.call('first')).body.result,
    (result) => result === 'after',
  );
  addTool(folder, 'second', HELLO);
  await until(
    async () => (await server.get('/tools')).body.count,
    (count) => count === 2,
  );
  rmSync(join(folder.path, 'test/second'), { recursive: true });
  await until(
    async () => (await server.get('/tools')).body.count,
    (count) => count === 1,
  );
  using other = toolFolder();
  addTool(other, 'third', HELLO);
  renameSync(other.path, late);
  try {
    await until(
      async () => (await server.get('/tools')).body.count,
      (count) => count === 2,
      20_000,
    );
  } finally {
    rmSync(late, { recursive: true });
    mkdirSync(other.path);
  }
});

test('a folder that is no folder is told, and the others are read', async () => {
  using folder = toolFolder();
  addTool(folder, 'good', HELLO);
  const file = join(folder.path, 'file');
  writeFileSync(file, '');
  await using server = await toolNode({ path: `${file}:${folder.path}` });
  const { tools, folders } = (await server.get('/tools')).body;
  expect(tools).toHaveLength(1);
  expect(folders).toEqual([
    { path: file, tools: 0, error: expect.stringContaining('ENOTDIR') },
    { path: folder.path, tools: 1 },
  ]);
});

test('a foreign folder of 270 is read in three seconds of work, and each that cannot run is explained', async () => {
  using folder = toolFolder();
  const sources = [
    "import { formatError, now } from '@/lib/tools/helpers'\nimport type { ToolContext } from '@/lib/tools/helpers/tool-context'\nexport default async function run(input: { a: string }, ctx: ToolContext) { try { return { at: now(), space: ctx.currentSpace } } catch (e) { return { error: formatError(e) } } }",
    "import { logger } from '@/lib/observability/logger'\nimport { getData } from '@/lib/data-layer'\nexport default async function run() { logger.info('x'); return getData() }",
    "import OpenAI from 'no-such-sdk'\nimport * as fs from 'fs'\nexport default async function run() { return new OpenAI() }",
  ];
  for (let i = 0; i < 270; i++)
    folder.add(
      `category${i % 18}/tool_${i}`,
      {
        name: `tool_${i}`,
        description: `The tool number ${i}. `.repeat(8),
        category: `category${i % 18}`,
        function_name: `tool_${i}`,
        parameters: {
          type: 'object',
          properties: {
            a: { type: 'string' },
            b: { type: 'array', items: { type: 'number' } },
            [`c${i}`]: { enum: [-1, i] },
          },
          required: ['a'],
        },
      },
      { 'implementation.ts': sources[i % 3] as string },
    );
  const began = process.cpuUsage();
  await using server = await toolNode(folder);
  const { count, statuses, tools } = (await server.get('/tools?limit=500')).body;
  // Of the processor, not of the clock: others may work beside this.
  const { user, system } = process.cpuUsage(began);
  expect(count).toBe(270);
  expect(statuses).toEqual({ ready: 90, needs_host_module: 90, needs_package: 90 });
  expect(tools.filter((tool: Record<string, string>) => tool.status !== 'ready' && !tool.reason)).toEqual([]);
  expect((user + system) / 1_000).toBeLessThan(3_000);
  expect((await server.call('tool_0', { a: 'x' })).body.result).toMatchObject({ space: 'kai' });
});
