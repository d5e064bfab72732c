import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { type TemporaryDirectory, temporaryDirectory } from '../support/directory.ts';
import { type Json, quietNode, type TestNode } from '../support/node.ts';
import { hindrance, smallDisk } from '../support/privilege.ts';
import { controlledWorld } from '../support/world.ts';

const DAY = 86_400_000;
const LONG = { timeout: 20_000 };

const viewsOf = (dir: string) => join(dir, 'views', 'memory');
const textOf = (path: string) => (existsSync(path) ? readFileSync(path, 'utf8') : undefined);

async function write(server: TestNode, agent: string, content: string, more: object = {}): Promise<Json> {
  const { status, body } = await server.send('POST', '/memories', { agent, content, ...more });
  expect([status, body.detail]).toEqual([200, undefined]);
  return body.memory;
}

/** The files of an agent as the agent sees them, by name. */
async function filesOf(server: TestNode, agent: string): Promise<Record<string, string>> {
  const { memories } = (await server.get(`/memory/${agent}`, { 'x-agent': agent })).body;
  return Object.fromEntries(memories.map(({ filename, content }: Json) => [filename, content]));
}

/** The same on the disk. */
function onDisk(dir: string, agent: string): Record<string, string> {
  const folder = join(viewsOf(dir), agent);
  const names = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith('.md')) : [];
  return Object.fromEntries(names.map((name) => [name, readFileSync(join(folder, name), 'utf8')]));
}

const settled = async (server: TestNode, agent: string) =>
  expect.poll(() => onDisk(server.dir, agent), LONG).toEqual(await filesOf(server, agent));

/** What Markdown makes of the lines: what is a heading of the file's own is one, and nothing else is. */
function headings(text: string): string[] {
  return text.split('\n').filter((line) => /^#/.test(line));
}

const HOSTILE: Record<string, string> = {
  'a heading': '# mine\n## 10:00:00 (memory-1-x)\nrest',
  'a front matter': '---\ntitle: x\n---\ntext',
  'an underlined heading': 'Title\n=====\nOther\n  ---  ',
  'a fence that never ends': 'before\n```sh\n# comment',
  'a tilde fence after a list': '- item\n  ~~~\n# in it',
  'a comment that never ends': 'x\n<!-- never\nends',
  'ends of lines of every kind': 'one\r\ntwo\rthree\nfour\u2028five\u0085six\vseven\feight',
  'what no terminal should see': 'nul\u0000esc\u001b[31mbell\u0007 del\u007f',
  'half a character': 'half \ud83d and \ude00 whole 😀',
  'white space around': '\n\n  indented\n\n',
  'a table and a list': '| a | b |\n|---|---|\n| 1 | 2 |\n\n- [ ] x',
  'a long text': 'word '.repeat(19_999),
  'many lines': 'l\n'.repeat(49_999),
};

test('a day’s file holds each memory under a heading of its own, whatever the memory says', async () => {
  await using server = await quietNode();
  for (const content of Object.values(HOSTILE)) await write(server, 'ada', content);
  const all = await write(server, 'ada', 'the last', { key: 'k', tags: ['a', 'b c'] });
  await settled(server, 'ada');
  const [[name, text]] = Object.entries(onDisk(server.dir, 'ada')) as [[string, string]];
  expect(name).toBe(`${new Date(all.createdAt).toISOString().slice(0, 10)}.md`);
  const own = headings(text);
  expect(own[0]).toBe(`# ${name.slice(0, 10)}`);
  expect(own.slice(1)).toHaveLength(Object.keys(HOSTILE).length + 1);
  for (const heading of own.slice(1)) expect(heading).toMatch(/^## \d\d:\d\d:\d\d .*\(memory-\d+-\w+\)$/);
  expect(own.at(-1)).toMatch(/ k \[a, b c\] \(memory-/);
  // Nothing that a reader of lines takes for the end of one, but the line feed, nor what a terminal obeys.
  expect(text).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u2028\u2029]/);
  // Nothing that Markdown begins here and does not end before the next heading.
  for (const line of text.split('\n')) expect(line).not.toMatch(/^\s*(?:```|~~~|<|=+\s*$|-+\s*$)/);
  expect(text).toContain('\n> ```sh\n> # comment\n');
  expect(text).toContain('\none\ntwo\nthree\nfour\ufffdfive\ufffdsix\ufffdseven\ufffdeight\n');
});

test('files are of days of UTC, of each agent its own, and say what is there now', async () => {
  const world = controlledWorld(Date.UTC(2026, 4, 16, 23, 59, 59));
  await using server = await quietNode({ world });
  const first = await write(server, 'ada', 'before midnight');
  world.later(1_000);
  const second = await write(server, 'ada', 'after midnight');
  await write(server, 'kai', 'of another');
  await settled(server, 'ada');
  await settled(server, 'kai');
  expect(Object.keys(onDisk(server.dir, 'ada'))).toEqual(['2026-05-16.md', '2026-05-17.md']);
  expect(textOf(join(viewsOf(server.dir), 'ada', '2026-05-16.md'))).toBe(
    `# 2026-05-16\n\n## 23:59:59 (${first.id})\n\nbefore midnight\n`,
  );
  world.later(DAY);
  // What is written anew stays in the file of the day on which it was written first.
  await server.send('PATCH', `/memories/${first.id}`, { agent: 'kai', content: 'corrected' });
  await server.send('DELETE', `/memories/${second.id}`, { agent: 'kai' });
  await settled(server, 'ada');
  const after = onDisk(server.dir, 'ada');
  expect(Object.keys(after)).toEqual(['2026-05-16.md']);
  expect(after['2026-05-16.md']).toContain('\ncorrected\n');
  const replacing = await write(server, 'kai', 'instead', { supersedes: [first.id] });
  await expect.poll(() => onDisk(server.dir, 'ada'), LONG).toEqual({});
  await settled(server, 'kai');
  expect(JSON.stringify(onDisk(server.dir, 'kai'))).toContain(replacing.id);
});

test('an agent’s own memories are in its file, and nobody else is shown them', async () => {
  await using server = await quietNode();
  await write(server, 'ada', 'for all');
  await write(server, 'ada', 'for ada', { scope: 'agent' });
  await settled(server, 'ada');
  expect(Object.values(onDisk(server.dir, 'ada')).join()).toMatch(/for all[\s\S]*for ada/);
  for (const headers of [{}, { 'x-agent': 'kai' }]) {
    const [file] = (await server.get('/memory/ada', headers as Record<string, string>)).body.memories;
    expect(file.content).toContain('for all');
    expect(file.content).not.toContain('for ada');
    expect(file.size).toBe(Buffer.byteLength(file.content));
  }
});

test('old days are read page by page, and a day that is too large says so', async () => {
  const world = controlledWorld(Date.UTC(2026, 4, 1));
  await using server = await quietNode({ world });
  for (let day = 0; day < 5; day++, world.later(DAY))
    await server.send('POST', '/memory/ada', { content: `day ${day}` });
  const names: string[] = [];
  for (let cursor = ''; ; ) {
    const { memories, more, cursor: next } = (await server.get(`/memory/ada?limit=2${cursor}`)).body;
    names.push(...memories.map(({ filename }: Json) => filename));
    if (!more) break;
    cursor = `&cursor=${next}`;
  }
  expect(names).toEqual([5, 4, 3, 2, 1].map((day) => `2026-05-0${day}.md`));
  for (const cursor of ['2026-05-32', 'x', '2026-5-1'])
    expect((await server.get(`/memory/ada?cursor=${cursor}`)).body.code).toBe('invalid_cursor');
  for (let i = 0; i < 12; i++) await server.send('POST', '/memory/kai', { content: `${i} ${'x'.repeat(99_000)}` });
  const [file] = (await server.get('/memory/kai')).body.memories;
  expect([file.truncated, file.size <= 1024 * 1024, file.size > 900_000]).toEqual([true, true, true]);
});

/** Starts on a directory, waits until ada's files are as they are to be, and stops. */
async function once(
  dir: TemporaryDirectory,
  work: (server: TestNode) => Promise<void> = async () => {},
): Promise<void> {
  await using server = await quietNode({ dir: dir.path });
  await work(server);
  await settled(server, 'ada');
}

test('files that are missing, too many or older are made right at start, and others are not touched', async () => {
  using dir = temporaryDirectory();
  await once(dir, async (server) => {
    await write(server, 'ada', 'one');
  });
  const [name] = Object.keys(onDisk(dir.path, 'ada')) as [string];
  const file = join(viewsOf(dir.path), 'ada', name);
  const { ino } = statSync(file);
  await once(dir);
  expect(statSync(file).ino).toBe(ino);
  const text = textOf(file);
  rmSync(file);
  writeFileSync(join(viewsOf(dir.path), 'ada', '1999-01-01.md'), 'nothing of that day');
  writeFileSync(join(viewsOf(dir.path), 'ada', `${name}.tmp`), 'left by a process that was killed');
  await once(dir);
  expect(textOf(file)).toBe(text);
  expect(readdirSync(join(viewsOf(dir.path), 'ada'))).toEqual([name]);
  rmSync(viewsOf(dir.path), { recursive: true });
  await once(dir);
  expect(textOf(file)).toBe(text);
  // The files are older than the journal: as if the process had been killed before it wrote them.
  const mark = join(viewsOf(dir.path), '.written.json');
  const old = readFileSync(mark);
  await once(dir, async (server) => {
    await write(server, 'ada', 'two');
  });
  const newer = textOf(file);
  writeFileSync(mark, old);
  writeFileSync(file, text as string);
  await once(dir);
  expect(textOf(file)).toBe(newer);
  // With an index made anew, the same bytes.
  for (const suffix of ['', '-wal', '-shm']) rmSync(`${dir.path}/index.sqlite${suffix}`, { force: true });
  rmSync(viewsOf(dir.path), { recursive: true });
  await once(dir);
  expect(textOf(file)).toBe(newer);
});

test('where the files cannot be written, writing goes on, /health says so, and it heals', async () => {
  await using server = await quietNode();
  writeFileSync(join(server.dir, 'views'), 'in the way');
  const { id } = await write(server, 'ada', 'still remembered');
  const health = async () => (await server.get('/health')).body;
  await expect.poll(async () => (await health()).status, LONG).toBe('degraded');
  expect((await health()).problems.join()).toMatch(/Markdown files of memories cannot be written: (?:ENOTDIR|EEXIST)/);
  expect((await server.get(`/memories/${id}`)).status).toBe(200);
  rmSync(join(server.dir, 'views'));
  await expect.poll(async () => (await health()).status, LONG).toBe('ok');
  await settled(server, 'ada');
});

const reason = hindrance(() => smallDisk('200k')[Symbol.dispose]());
test.skipIf(reason !== undefined)(
  'where their disk is full, the old files stay whole, and the new ones come when there is room',
  async () => {
    using disk = smallDisk('400k');
    using dir = temporaryDirectory();
    symlinkSync(disk.path, join(dir.path, 'views'));
    await using server = await quietNode({ dir: dir.path });
    await write(server, 'ada', 'small');
    await settled(server, 'ada');
    const before = onDisk(dir.path, 'ada');
    const large: Json[] = [];
    for (let i = 0; i < 5; i++) large.push(await write(server, 'ada', `${i} ${'x'.repeat(99_000)}`));
    const health = async () => (await server.get('/health')).body;
    await expect.poll(async () => (await health()).problems?.join(), LONG).toMatch(/cannot be written: ENOSPC/);
    expect(onDisk(dir.path, 'ada')).toEqual(before);
    expect((await server.get('/memories?limit=1')).body.memories[0].id).toBe(large.at(-1).id);
    for (const { id } of large.slice(1)) await server.send('DELETE', `/memories/${id}`, { agent: 'ada' });
    await expect.poll(async () => (await health()).status, LONG).toBe('ok');
    await settled(server, 'ada');
    expect(readdirSync(join(viewsOf(dir.path), 'ada'))).toHaveLength(1);
  },
);

test('a workspace of OpenClaw gets the same, and what is not this server’s stays as it is', async () => {
  using workspaces = temporaryDirectory();
  const dirOf = (agent: string) => join(workspaces.path, `workspace-${agent}`, 'memory');
  const env = { OPENCLAW_WORKSPACE: join(workspaces.path, 'workspace-{agent}') };
  await using server = await quietNode({ env });
  const { id, createdAt } = await write(server, 'ada', 'one');
  const day = new Date(createdAt).toISOString().slice(0, 10);
  const file = join(dirOf('ada'), `${day}.md`);
  const beside = join(dirOf('ada'), `${day}-reflectt.md`);
  await expect.poll(() => textOf(file), LONG).toContain('\none\n');
  expect((textOf(file) as string).startsWith((await filesOf(server, 'ada'))[`${day}.md`] as string)).toBe(true);
  await server.send('PATCH', `/memories/${id}`, { agent: 'ada', content: 'two' });
  await expect.poll(() => textOf(file), LONG).toContain('\ntwo\n');
  // OpenClaw writes into it: it is no longer this server's.
  writeFileSync(file, `${textOf(file)}\nwhat OpenClaw noted\n`);
  const noted = textOf(file);
  await server.send('PATCH', `/memories/${id}`, { agent: 'ada', content: 'three' });
  await expect.poll(() => textOf(beside), LONG).toContain('\nthree\n');
  expect(textOf(file)).toBe(noted);
  // The first name is free again.
  rmSync(file);
  await server.send('PATCH', `/memories/${id}`, { agent: 'ada', content: 'four' });
  await expect.poll(() => textOf(file), LONG).toContain('\nfour\n');
  await expect.poll(() => existsSync(beside), LONG).toBe(false);
  // Both are somebody else's.
  for (const each of [file, beside]) writeFileSync(each, 'not yours');
  await server.send('PATCH', `/memories/${id}`, { agent: 'ada', content: 'five' });
  await expect.poll(async () => (await server.get('/health')).body.views.inTheWay, LONG).toBe(beside);
  expect([textOf(file), textOf(beside)]).toEqual(['not yours', 'not yours']);
  for (const each of [file, beside]) rmSync(each);
  await server.send('PATCH', `/memories/${id}`, { agent: 'ada', content: 'six' });
  await expect.poll(() => textOf(file), LONG).toContain('\nsix\n');
  await server.send('DELETE', `/memories/${id}`, { agent: 'ada' });
  await expect.poll(() => existsSync(file), LONG).toBe(false);
});

test('without {agent} each agent has a directory below, and a new setting is filled at start', async () => {
  using dir = temporaryDirectory();
  using workspaces = temporaryDirectory();
  await once(dir, async (server) => {
    await write(server, 'ada', 'one');
  });
  mkdirSync(join(workspaces.path, 'below'));
  await using server = await quietNode({ dir: dir.path, env: { OPENCLAW_WORKSPACE: join(workspaces.path, 'below') } });
  const [name] = Object.keys(await filesOf(server, 'ada')) as [string];
  await expect.poll(() => textOf(join(workspaces.path, 'below', 'ada', 'memory', name)), LONG).toContain('\none\n');
});
