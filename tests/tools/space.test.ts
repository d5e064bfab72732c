import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { addTool, type ToolFolder, type ToolNode, toolFolder, toolNode } from '../support/tools.ts';

let folder: ToolFolder;
let server: ToolNode;
let own: string;

/** Runs what it is told on its context, and answers what comes of it. */
const DOES = `export default async ({ what, args = [] }, ctx) => {
  const given = args.map((each) => (each === '<undefined>' ? undefined : each === '<nul>' ? 'a\\0b' : each));
  return typeof ctx[what] === 'function' ? ((await ctx[what](...given)) ?? null) : ctx[what];
};`;

beforeAll(async () => {
  folder = toolFolder();
  addTool(folder, 'does', DOES);
  addTool(folder, 'reads', "import fs from 'node:fs'; export default ({ path }) => fs.readFileSync(path, 'utf8');");
  addTool(
    folder,
    'overwrites',
    "import fs from 'node:fs'; export default ({ path }) => fs.writeFileSync(path, 'mine');",
  );
  addTool(folder, 'calls', 'export default ({ name, input }, ctx) => ctx.executeTool(name, input);');
  addTool(folder, 'a', "export default (input, ctx) => ctx.executeTool('b', {});");
  addTool(folder, 'b', "export default (input, ctx) => ctx.executeTool('test.a', {});");
  for (let i = 1; i < 6; i++)
    addTool(folder, `deep${i}`, `export default (_, ctx) => ctx.executeTool('deep${i + 1}');`);
  addTool(folder, 'deep6', "export default () => 'bottom';");
  addTool(
    folder,
    'many',
    "export default async (_, ctx) => { for (let i = 0; i < 101; i++) await ctx.executeTool('nobody').catch((error) => { if (/at most/.test(error.message)) throw error; }); };",
  );
  addTool(
    folder,
    'wide',
    "export default async (_, ctx) => (await Promise.allSettled(Array.from({ length: 12 }, () => ctx.executeTool('deep6')))).map(({ status }) => status);",
  );
  server = await toolNode(folder);
  await server.call('does', { what: 'ensureDir', args: ['<undefined>'] });
  own = join(server.dir, 'spaces/agents/kai');
});

afterAll(async () => {
  await server[Symbol.asyncDispose]();
  folder[Symbol.dispose]();
});

const does = async (what: string, ...args: unknown[]) => (await server.call('does', { what, args })).body;
const result = async (what: string, ...args: unknown[]) => (await does(what, ...args)).result;

test('a space has files and folders, of the agent alone and of all', async () => {
  expect(await result('currentSpace')).toBe('kai');
  expect(await result('userId')).toBe('kai');
  expect(await result('projectRoot')).toBe(own);
  await does('writeJson', 'kai', 'notes', 'a.json', { n: 1 });
  await does('writeText', '<undefined>', 'notes', 'b.txt', 'b');
  await does('writeText', 'notes/c.txt', 'c');
  expect(await result('readJson', 'notes', 'a.json')).toEqual({ n: 1 });
  expect(await result('readText', 'kai', 'notes', 'b.txt')).toBe('b');
  expect(await result('listFiles', 'kai', 'notes')).toEqual(['a.json', 'b.txt', 'c.txt']);
  expect(await result('listFiles', 'kai', 'notes', '.txt')).toEqual(['b.txt', 'c.txt']);
  expect(await result('listFiles', 'nowhere')).toEqual([]);
  expect(await result('listDirs', 'kai')).toEqual(['notes']);
  expect(await result('fileExists', 'notes/a.json')).toBe(true);
  expect(await result('fileExists', 'notes/z.json')).toBe(false);
  const path = await result('resolvePath', 'kai', 'notes', 'a.json');
  expect(path).toBe(join(own, 'notes/a.json'));
  expect(await result('readJson', path)).toEqual({ n: 1 });
  expect(await result('deleteFile', 'notes/a.json')).toBe(true);
  expect(await result('deleteFile', 'notes/a.json')).toBe(false);
  expect(await does('deleteFile', 'notes')).toMatchObject({ success: false });
  expect(await result('deleteDir', 'notes')).toBe(true);
  expect(await does('deleteDir', 'kai')).toMatchObject({ success: false });
  expect(await does('readText', 'notes/b.txt')).toMatchObject({
    error: { message: expect.stringContaining('ENOENT') },
  });
  await does('writeText', 'global', 'team.txt', 'all of us');
  const other = await server.send('POST', '/tools/does/call', {
    agent: 'ada',
    input: { what: 'readText', args: ['global', 'team.txt'] },
  });
  expect(other.body.result).toBe('all of us');
});

test('no path leads out of it: not by .., not absolute, not through links, not with NUL', async () => {
  const secret = join(server.dir, 'secret.txt');
  writeFileSync(secret, 'secret');
  mkdirSync(join(server.dir, 'spaces/agents/ada'), { recursive: true });
  writeFileSync(join(server.dir, 'spaces/agents/ada/hers.txt'), 'hers');
  symlinkSync(secret, join(own, 'link.txt'));
  symlinkSync(server.dir, join(own, 'linked'));
  symlinkSync(join(server.dir, 'to-be-made.txt'), join(own, 'dangling.txt'));
  const ways: unknown[][] = [
    ['../ada/hers.txt'],
    ['kai', '..', 'ada', 'hers.txt'],
    ['<undefined>', 'a/../../ada/hers.txt'],
    ['global', '..', 'agents', 'ada', 'hers.txt'],
    [secret],
    ['kai', secret],
    ['kai', 'notes', secret],
    ['/etc/hostname'],
    ['link.txt'],
    ['linked/secret.txt'],
    ['linked'],
    ['dangling.txt'],
    ['<nul>'],
    ['kai', '<nul>'],
    ['kai', 5],
    ['kai', null],
  ];
  for (const way of ways) {
    for (const what of ['resolvePath', 'readText', 'listFiles', 'ensureDir', 'deleteFile', 'deleteDir'])
      expect(await does(what, ...way), `${what} ${way}`).toMatchObject({
        success: false,
        error: { code: 'failed', message: expect.stringContaining('outside of the space') },
      });
    const write = await does('writeText', ...way, 'overwritten');
    expect(write, `writeText ${way}`).toMatchObject({ success: false });
  }
  expect(readFileSync(secret, 'utf8')).toBe('secret');
  expect(existsSync(join(server.dir, 'to-be-made.txt'))).toBe(false);
}, 120_000);

test('a tool that goes around its context is held by Node: it reads and writes nothing else', async () => {
  const journal = join(server.dir, 'journal/manifest.json');
  const denied = { success: false, error: { code: 'failed', message: expect.stringContaining('Access') } };
  expect((await server.call('reads', { path: journal })).body).toMatchObject(denied);
  expect((await server.call('reads', { path: '/etc/passwd' })).body).toMatchObject(denied);
  expect(
    (await server.call('overwrites', { path: join(server.dir, 'spaces/agents/ada/hers.txt') })).body,
  ).toMatchObject(denied);
  expect((await server.call('overwrites', { path: join(folder.path, 'test/a/definition.json') })).body).toMatchObject(
    denied,
  );
});

test('agents whose names differ in letters alone have folders of their own', async () => {
  for (const agent of ['Kai', 'KAI', 'kai.'])
    await server.send('POST', '/tools/does/call', { agent, input: { what: 'writeText', args: ['who.txt', agent] } });
  const who = async (agent: string) =>
    (await server.send('POST', '/tools/does/call', { agent, input: { what: 'readText', args: ['who.txt'] } })).body
      .result;
  expect([await who('Kai'), await who('KAI'), await who('kai.')]).toEqual(['Kai', 'KAI', 'kai.']);
  expect(existsSync(join(own, 'who.txt'))).toBe(false);
});

test('a tool calls others, for the same agent; what they did is written down beside it', async () => {
  const { body, headers } = await server.call('calls', { name: 'does', input: { what: 'userId' } });
  expect(body).toMatchObject({ success: true, result: 'kai' });
  const { events } = (await server.get(`/events?after=${Number(headers.get('x-seq')) - 2}&types=tool_*`)).body;
  expect(events.map(({ data }: { data: object }) => data)).toMatchObject([
    { tool: 'does', via: 'calls', agent: 'kai' },
    { tool: 'calls', agent: 'kai' },
  ]);
});

test('tools that call each other end: no circles, not too deep, not too many', async () => {
  const message = async (name: string, input = {}) => (await server.call(name, input)).body.error?.message;
  expect(await message('a')).toContain('test.a → test.b → test.a would go on for ever');
  expect(await message('calls', { name: 'calls' })).toContain('for ever');
  expect(await message('deep1')).toContain('at most 4 deep');
  expect((await server.call('deep3')).body.result).toBe('bottom');
  expect(await message('calls', { name: 'nobody' })).toContain('There is no tool "nobody"');
  const wide = (await server.call('wide')).body.result;
  expect(wide.filter((status: string) => status === 'fulfilled')).toHaveLength(8);
  expect(await message('many')).toContain('at most 100 others');
}, 120_000);
