import { type ChildProcess, execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import {
  appendFileSync,
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { assertTemporary, temporaryDirectory } from './support/directory.ts';
import { testNode } from './support/node.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const FIXTURE = join(ROOT, 'tests/fixtures/original');
const PARENT = 'msg-1770000000000-aaaaaaaaa';

/** As many messages of the original as asked, some in threads, one in three in a channel that is new. */
function writeMany(dir: string, n: number): void {
  const lines = Array.from({ length: n }, (_, i) =>
    JSON.stringify({
      id: `m${i}`,
      from: `agent-${i % 7}`,
      content: `message ${i}`,
      timestamp: 1_770_000_000_000 + i,
      channel: i % 3 === 0 ? 'lab' : 'general',
      reactions: {},
      ...(i % 5 === 1 && { threadId: `m${i - 1}` }),
    }),
  );
  writeFileSync(join(dir, 'messages.jsonl'), `${lines.join('\n')}\n`);
}

interface Ended {
  code: number;
  out: string;
  err: string;
}

/** Starts the import as its own process. */
function startImport(
  args: string[],
  env: Record<string, string>,
  cwd = ROOT,
  ended: (result: Ended) => void = () => {},
): ChildProcess {
  if (env.DATA_DIR !== undefined) assertTemporary(join(env.DATA_DIR, '..'));
  const command = ['--import', import.meta.resolve('tsx'), join(ROOT, 'src/cli/import/main.ts'), ...args];
  const options = { cwd, env: { PATH: process.env.PATH, ...env }, timeout: 60_000, maxBuffer: 64 * 1024 * 1024 };
  return execFile(process.execPath, command, options, (error, out, err) =>
    ended({ code: error === null ? 0 : Number(error.code ?? -1), out, err }),
  );
}

/** The same, and waits for its end. */
function runImport(args: string[], env: Record<string, string>, cwd?: string): Promise<Ended> {
  return new Promise((resolve) => startImport(args, env, cwd, resolve));
}

/** Every file below a directory: what it holds, when it was changed, who may do what. */
function stateOf(dir: string): Record<string, string> {
  const files = readdirSync(dir, { recursive: true, withFileTypes: true });
  return Object.fromEntries(
    files.map((entry) => {
      const path = join(entry.parentPath, entry.name);
      const { mtimeNs, mode, size } = statSync(path, { bigint: true });
      const hash = entry.isFile() ? createHash('sha256').update(readFileSync(path)).digest('hex') : '';
      return [path, `${hash} ${mtimeNs} ${mode} ${size}`];
    }),
  );
}

/** A copy of the original's directory that may be changed, and a place for the data. */
function workplace(): { old: string; data: string } & Disposable {
  const dir = temporaryDirectory();
  const old = join(dir.path, 'old');
  cpSync(FIXTURE, old, { recursive: true });
  return { old, data: join(dir.path, 'data'), [Symbol.dispose]: () => dir[Symbol.dispose]() };
}

const linesOf = (dir: string, file: string) =>
  readFileSync(join(dir, file), 'utf8')
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line));

describe('an original data directory', () => {
  test('is imported whole, and the server then shows it as the original did', async () => {
    using place = workplace();
    const before = stateOf(place.old);

    const { code, out, err } = await runImport([place.old], { DATA_DIR: place.data });

    expect(err).toBe('');
    expect(out).toContain('messages.jsonl  7 imported, 0 already there, 1 earlier versions passed over, 0 bad');
    expect(out).toContain('tasks.jsonl     2 imported, 0 already there, 1 earlier versions passed over, 0 bad');
    expect(out).toContain('inbox/          2 imported, 0 already there, 0 bad');
    expect(code).toBe(0);
    expect(stateOf(place.old)).toEqual(before);

    await using server = await testNode({ dir: place.data });
    const [question, answer, colours, deployed, legacy, tests, orphan] = linesOf(place.old, 'messages.jsonl');
    const { messages } = (await server.get('/chat/messages')).body;
    expect(messages.map(({ seq: _, ...message }: { seq: number }) => message)).toEqual([
      // The last line wins; a reply to a reply is in the thread, and both are counted.
      { ...question, reactions: { '🙋': ['kai'] }, replyCount: 2 },
      { ...answer, replyCount: 0 },
      { ...colours, replyCount: 0 },
      { ...deployed, reactions: {}, replyCount: 0 },
      { ...legacy, channel: 'general', reactions: {}, replyCount: 0 },
      { ...tests, threadId: question.id, replyCount: 0 },
      { ...orphan, replyCount: 0 },
    ]);
    const thread = (await server.get(`/chat/messages/${PARENT}/thread`)).body;
    expect(thread.count).toBe(3);
    expect((await server.get(`/chat/messages/${orphan.id}/thread`)).body).toMatchObject({ count: 1 });
    expect((await server.get(`/chat/messages/${encodeURIComponent(legacy.id)}`)).body.message).toMatchObject(legacy);
    const { rooms } = (await server.get('/chat/rooms')).body;
    expect(rooms.find(({ id }: { id: string }) => id === 'design')).toMatchObject({
      createdAt: colours.timestamp,
      participants: ['pixel'],
    });

    const [login, , tokens] = linesOf(place.old, 'tasks.jsonl');
    const { assignee: _, ...done } = tokens;
    const seq = expect.any(Number);
    const imported = [
      { ...login, seq },
      { ...done, seq },
    ];
    expect((await server.get('/tasks')).body).toEqual({ tasks: imported, total: 2 });
    expect((await server.get(`/tasks/${login.id}`)).body).toEqual({ task: imported[0] });
    expect((await server.get('/tasks/nowhere')).body).toMatchObject({ status: 404, error: 'Task not found' });

    expect((await server.get('/inbox/kai/subscriptions')).body).toEqual({ subscriptions: ['general', 'design'] });
    expect((await server.get('/inbox/pixel/subscriptions')).body.subscriptions).toHaveLength(4);
    expect((await server.get('/snapshot?agent=kai')).body.inboxes).toMatchObject([
      {
        agent: 'kai',
        subscriptions: ['general', 'design'],
        acknowledged: [PARENT, 'legacy message #7'],
        lastReadAt: 1_770_000_004_000,
      },
    ]);
    // Others have written to link; it has acknowledged nothing.
    for (const each of (await server.get('/snapshot?agent=link')).body.inboxes)
      expect(each).toMatchObject({ agent: 'link', readUpTo: 0, ackedUpTo: 0 });

    const health = (await server.get('/health')).body;
    expect(health).toMatchObject({
      chat: { totalMessages: 7, rooms: 6 },
      tasks: { total: 2, byStatus: { doing: 1, done: 1 } },
      inbox: { agents: 3, defaultSubscriptions: ['general', 'decisions', 'problems', 'shipping'] },
    });
    const { agents } = (await server.get('/agents')).body;
    expect(agents).toEqual([
      { name: 'link', firstSeen: 1_770_000_000_000, seq: expect.any(Number) },
      { name: 'kai', firstSeen: 1_770_000_001_000, seq: expect.any(Number) },
      { name: 'pixel', firstSeen: 1_770_000_002_000, seq: expect.any(Number) },
    ]);
  });

  test('that is imported twice changes nothing the second time, and says so', async () => {
    using place = workplace();
    await runImport([place.old], { DATA_DIR: place.data });
    const journal = stateOf(join(place.data, 'journal'));
    const segments = () =>
      Object.entries(stateOf(join(place.data, 'journal')))
        .filter(([path]) => path.endsWith('.jsonl'))
        .map(([path, state]) => [path, state.split(' ')[0]]);
    const before = segments();
    expect(Object.keys(journal).length).toBeGreaterThan(1);

    const { code, out } = await runImport([place.old], { DATA_DIR: place.data });

    expect(out).toContain('0 imported, 7 already there');
    expect(out).toContain('0 imported, 2 already there');
    expect(out).toContain('Nothing had to be changed.');
    expect(code).toBe(0);
    expect(segments()).toEqual(before);
  });

  test('does not take back what was done here since', async () => {
    using place = workplace();
    await runImport([place.old], { DATA_DIR: place.data });
    {
      await using server = await testNode({ dir: place.data });
      await server.send('PATCH', `/chat/messages/${PARENT}`, { from: 'link', content: 'Solved.' });
      await server.send('DELETE', '/chat/messages/msg-1770000001000-bbbbbbbbb', { from: 'kai' });
    }
    const { code, out } = await runImport([place.old], { DATA_DIR: place.data });

    expect(out).toContain('0 imported, 5 already there, 2 changed since, kept as here');
    expect(code).toBe(0);
    await using server = await testNode({ dir: place.data });
    expect((await server.get(`/chat/messages/${PARENT}`)).body.message).toMatchObject({
      content: 'Solved.',
      replyCount: 1,
    });
    expect((await server.get('/chat/messages/msg-1770000001000-bbbbbbbbb')).status).toBe(410);
  });
});

describe('what is bad', () => {
  test('is reported by file and line with the reason; the rest is imported; nothing of the source is changed', async () => {
    using place = workplace();
    const good = { id: 'x', from: 'link', content: 'x', timestamp: 1 };
    const bad: [string | Buffer, RegExp][] = [
      ['{"id":"torn', /not JSON/],
      ['[]', /expected object/],
      ['42', /expected object/],
      [JSON.stringify({ ...good, content: undefined }), /content: is required/],
      [JSON.stringify({ ...good, from: 'no name' }), /from: .*letters, digits/],
      [JSON.stringify({ ...good, from: 'anonymous' }), /from: .*reserved/],
      [JSON.stringify({ ...good, channel: 'no channel' }), /channel: a channel has/],
      [JSON.stringify({ ...good, channel: 'dm:kai:pixel' }), /channel: it is private/],
      [JSON.stringify({ ...good, id: 'x'.repeat(129) }), /id: 1 to 128/],
      [JSON.stringify({ ...good, timestamp: 'yesterday' }), /timestamp: .*expected number/],
      [JSON.stringify({ ...good, reactions: { '👍': [7] } }), /reactions\.👍\.0/],
      [JSON.stringify({ ...good, content: 'x'.repeat(300_000) }), /too large/],
      [`{"id":"x","metadata":{"a":${'['.repeat(100_000)}${']'.repeat(100_000)}}}`, /nested|required/],
      ['{"id":"x","__proto__":{"from":"link"}}', /forbidden prototype/],
      [Buffer.from([0x7b, 0xff, 0x7d]), /not UTF-8/],
      [`"${'x'.repeat(5 * 1024 * 1024)}"`, /too large/],
    ];
    const file = join(place.old, 'messages.jsonl');
    const first = readFileSync(file, 'utf8').split('\n').length;
    for (const [line] of bad) appendFileSync(file, Buffer.concat([Buffer.from(line), Buffer.from('\r\n')]));
    appendFileSync(file, JSON.stringify({ ...good, id: 'last', surprise: 1 }));
    appendFileSync(join(place.old, 'tasks.jsonl'), '{"id":"t","title":"t","status":"finished"}\n');
    writeFileSync(join(place.old, 'inbox/link.json'), '{"agent":"link"');
    writeFileSync(join(place.old, 'inbox/other.json'), '{"agent":"zoe"}');
    writeFileSync(join(place.old, 'inbox/no name.json'), '{"ackedMessageIds":[]}');
    mkdirSync(join(place.old, 'inbox/folder.json'));
    chmodSync(file, 0o444);
    const before = stateOf(place.old);

    const { code, out, err } = await runImport([place.old], { DATA_DIR: place.data });

    const reports = err.trim().split('\n');
    for (const [i, [, reason]] of bad.entries()) {
      const at = `messages.jsonl:${first + i}: `;
      const report = reports.find((line) => line.startsWith(at));
      expect(report, `${at} ${reason}`).toMatch(reason);
    }
    const others = reports.slice(bad.length);
    expect(others[0]).toMatch(/^tasks\.jsonl:4: status: .*; createdBy: /);
    expect(others.slice(1)).toEqual([
      expect.stringMatching(/^inbox\/folder\.json: cannot be read \(EISDIR\)$/),
      expect.stringMatching(/^inbox\/link\.json: not JSON/),
      expect.stringMatching(/^inbox\/no name\.json: the name of the file is no agent's name/),
      expect.stringMatching(/^inbox\/other\.json: the file is called "other", but agent says "zoe"$/),
    ]);
    expect(reports).toHaveLength(bad.length + 5);
    expect(out).toContain(`8 imported, 0 already there, 1 earlier versions passed over, ${bad.length} bad`);
    expect(out).toContain('fields left out: surprise (1)');
    expect(code).toBe(2);
    expect(stateOf(place.old)).toEqual(before);
  });

  test('and is mended is imported the next time: a thread finds its first message, with its replies counted', async () => {
    using place = workplace();
    const file = join(place.old, 'messages.jsonl');
    const whole = readFileSync(file, 'utf8');
    writeFileSync(file, whole.replaceAll(`"id":"${PARENT}"`, `"id":7`));
    expect((await runImport([place.old], { DATA_DIR: place.data })).code).toBe(2);
    writeFileSync(file, whole);

    const { code, out } = await runImport([place.old], { DATA_DIR: place.data });

    expect(code).toBe(0);
    expect(out).toContain('1 imported');
    await using server = await testNode({ dir: place.data });
    const { messages, count } = (await server.get(`/chat/messages/${PARENT}/thread`)).body;
    expect(messages[0]).toMatchObject({ id: PARENT });
    expect(messages).toHaveLength(count);
  });
});

describe('nothing is done', () => {
  test('while a server has the data directory; it says to stop it', async () => {
    using place = workplace();
    mkdirSync(place.data);
    await using server = await testNode({ dir: place.data });

    for (const args of [[place.old], [place.old, '--dry-run']]) {
      const { code, err } = await runImport(args, { DATA_DIR: place.data });
      expect(err).toMatch(/is in use.*\n.*stop it, import, then start it again/);
      expect(code).toBe(1);
    }
    expect((await server.get('/health')).body.journal.head).toBe(0);
  });

  test('in a rehearsal: it counts, and leaves the data directory as it was', async () => {
    using place = workplace();
    const fresh = await runImport([place.old, '--dry-run'], { DATA_DIR: place.data });
    expect(fresh.out).toContain('7 would be imported, 0 already there');
    expect(fresh.out).toContain('Nothing was written.');
    expect(fresh.code).toBe(0);
    expect(existsSync(place.data)).toBe(false);

    await runImport([place.old], { DATA_DIR: place.data });
    appendFileSync(join(place.old, 'messages.jsonl'), '{"id":"new","from":"link","content":"x","timestamp":1}\nbad\n');
    const again = await runImport(['--dry-run', place.old], { DATA_DIR: place.data });
    expect(again.out).toContain('1 would be imported, 7 already there, 1 earlier versions passed over, 1 bad');
    expect(again.err).toMatch(/^messages\.jsonl:11: not JSON/);
    expect(again.code).toBe(2);
    await using server = await testNode({ dir: place.data });
    expect((await server.get('/chat/messages/new')).status).toBe(404);
  });

  test.each([
    ['without a directory', [], {}, /^Usage: npm run import/],
    ['with an option that is none', ['.', '--force'], {}, /--force[\s\S]*Usage/],
    ['with a directory that is not there', ['/nowhere/at/all'], {}, /There is no directory \/nowhere\/at\/all/],
    ['with a directory that has none of the files', [join(ROOT, 'src/cli')], {}, /nothing to import/],
    ['with a setting that is wrong', [FIXTURE], { DURABILITY: 'never' }, /DURABILITY="never"/],
  ])('%s, and it says why', async (_, args, env, reason) => {
    using place = workplace();
    const { code, err } = await runImport(args, { DATA_DIR: place.data, ...env });
    expect(err).toMatch(reason);
    expect(err).not.toMatch(/\n {4}at /);
    expect(code).toBe(1);
    expect(existsSync(place.data)).toBe(false);
  });
});

test('the data directory is the one of the settings, also where they are in .env', async () => {
  using place = workplace();
  const cwd = join(place.old, '..');
  writeFileSync(join(cwd, '.env'), 'DATA_DIR=./kept\n');

  const { code, out } = await runImport(['old'], {}, cwd);

  expect(code).toBe(0);
  expect(out).toContain(`into ${join(cwd, 'kept')}`);
  expect(existsSync(join(cwd, 'kept/journal'))).toBe(true);
});

test('thousands of lines take seconds, come in the order of the file, and leave the clock where it is', async () => {
  using place = workplace();
  const n = 20_000;
  writeMany(place.old, n);

  const { code, out } = await runImport([place.old], { DATA_DIR: place.data });

  expect(code).toBe(0);
  expect(out).toContain(`${n} imported`);
  await using server = await testNode({ dir: place.data });
  const { chat } = (await server.get('/health')).body;
  expect(chat.totalMessages).toBe(n);
  const { messages } = (await server.get('/chat/messages?limit=1000')).body;
  expect(messages.map(({ id }: { id: string }) => id)).toEqual(
    Array.from({ length: 1_000 }, (_, i) => `m${n - 1_000 + i}`),
  );
  expect((await server.get('/chat/messages/m5/thread')).body.count).toBe(2);
  const posted = await server.post('link', 'now');
  expect(posted.timestamp).toBeLessThanOrEqual(Date.now());
});

test('an import that was ended in the middle is finished by running it again', async () => {
  using place = workplace();
  const n = 20_000;
  writeMany(place.old, n);
  const child = startImport([place.old], { DATA_DIR: place.data });
  const segment = join(place.data, 'journal/00000000000000000001.jsonl');
  await expect
    .poll(() => existsSync(segment) && statSync(segment).size, { timeout: 20_000, interval: 5 })
    .toBeGreaterThan(100_000);
  child.kill('SIGKILL');
  await once(child, 'exit');

  const { code, out } = await runImport([place.old], { DATA_DIR: place.data });

  expect(code).toBe(0);
  const [, imported, there] = /messages\.jsonl +(\d+) imported, (\d+) already there/.exec(out) ?? [];
  expect(Number(there)).toBeGreaterThan(0);
  expect(Number(imported) + Number(there)).toBe(n);
  await using server = await testNode({ dir: place.data });
  expect((await server.get('/health')).body.chat.totalMessages).toBe(n);
  expect((await server.get('/chat/messages/m15000/thread')).body.count).toBe(2);
});
