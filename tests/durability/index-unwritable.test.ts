import { mkdirSync, statfsSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { openDatabase } from '../../src/store/sqlite.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { type Answer, type TestNode, testNode } from '../support/node.ts';
import { hindrance, run, smallDisk } from '../support/privilege.ts';
import { audit } from './audit.ts';
import { type Acknowledged, post } from './writers.ts';

/** Large, so that few of them are too much. */
const contentOf = (i: number) => `unwritable rest 0 ${i} ${'ö'.repeat(99_000)}`;

/** Posts until one is refused: what was acknowledged, and which was refused. */
async function postUntilRefused({ url }: TestNode): Promise<{ acknowledged: Acknowledged[]; refused: number }> {
  const acknowledged: Acknowledged[] = [];
  for (let i = 0; i < 1_000; i++) {
    const key = `key-${i}`;
    const { status, body, seq } = await post(url, 0, contentOf(i), key);
    if (status !== 200) return { acknowledged, refused: i };
    acknowledged.push({ content: contentOf(i), id: body.message.id, seq, channel: body.message.channel, key });
  }
  throw new Error('nothing was refused');
}

const send = (server: TestNode, i: number): Promise<Answer> =>
  server.send(
    'POST',
    '/chat/messages',
    { from: 'w0', content: contentOf(i), channel: 'room-0' },
    { 'idempotency-key': `key-${i}` },
  );

/** Everything that is promised where the index cannot be written for a while. */
async function goesOn(server: TestNode, mend: () => void): Promise<void> {
  const { acknowledged, refused } = await postUntilRefused(server);
  expect(acknowledged.length).toBeGreaterThan(100);
  const { head } = (await server.get('/health')).body.journal;
  for (let i = 0; i < 20; i++) {
    const { status, body, headers } = await send(server, refused + i);
    expect([status, body.code, headers.get('retry-after')]).toEqual([503, 'index_unavailable', '2']);
  }
  expect((await server.get('/chat/messages')).status).toBe(503);
  const { body: health } = await server.get('/health');
  expect(health).toMatchObject({ status: 'degraded', journal: { writable: true, head, durable: head } });
  expect(health.index).toMatchObject({ full: true, backlog: head - health.index.applied });
  expect(health.problems.join()).toMatch(new RegExp(`${health.index.backlog} events wait`));

  mend();
  await expect.poll(() => send(server, refused).then(({ status }) => status), { timeout: 40_000 }).toBe(200);
  const { body: message } = await send(server, refused);
  await expect
    .poll(() => server.get('/health').then(({ body }) => body), { timeout: 40_000 })
    .toMatchObject({ status: 'ok', index: { full: false, backlog: 0 } });
  expect((await server.get(`/chat/messages/${message.message.id}`)).status).toBe(200);
  expect(await audit(server.url, acknowledged)).toEqual([]);
  expect((await server.get('/health')).body.chat.totalMessages).toBe(acknowledged.length + 1);
}

describe('where the index cannot be written, posts go on until too much waits for it, and again when it can', () => {
  test('because somebody holds its lock', async () => {
    await using server = await testNode();
    const somebody = openDatabase(join(server.dir, 'index.sqlite'));
    somebody.exec('BEGIN IMMEDIATE');
    await goesOn(server, () => {
      somebody.exec('ROLLBACK');
      somebody.close();
    });
  }, 150_000);

  const reason = hindrance(() => smallDisk('200k')[Symbol.dispose]());
  test.skipIf(reason !== undefined)(
    'because its disk is full, while that of the journal is not',
    async () => {
      using elsewhere = temporaryDirectory();
      using disk = smallDisk('512m');
      const size = (bytes: number) => run('mount', '-o', `remount,size=${bytes}`, disk.path);
      mkdirSync(join(elsewhere.path, 'journal'));
      symlinkSync(join(elsewhere.path, 'journal'), join(disk.path, 'journal'));
      await using server = await testNode({ dir: disk.path });
      const { blocks, bfree, bsize } = statfsSync(disk.path);
      size((blocks - bfree) * bsize + 256 * 1024);
      await goesOn(server, () => size(512 * 1024 * 1024));
    },
    150_000,
  );
});

test('an index that is damaged while it is used is no fault of the server, and is made anew by the next start', async () => {
  using temp = temporaryDirectory();
  const acknowledged: Acknowledged[] = [];
  const write = async (url: string, key?: string) => {
    const content = `damaged rest 0 ${acknowledged.length}`;
    const { status, body, seq } = await post(url, 0, content, key);
    if (status === 200) acknowledged.push({ content, id: body.message.id, seq, channel: 'room-0', key });
    return [status, body.code];
  };
  {
    await using server = await testNode({ dir: temp.path });
    expect(await write(server.url)).toEqual([200, undefined]);
    expect((await server.get('/chat/search?q=damaged')).body.count).toBe(1);
    for (const name of ['index.sqlite', 'index.sqlite-wal'])
      writeFileSync(join(temp.path, name), 'no database'.repeat(100_000));
    // A new message needs nothing of the index; a key that nobody has used is looked for in it.
    expect(await write(server.url)).toEqual([200, undefined]);
    expect(await write(server.url, 'a-key')).toEqual([503, 'index_unavailable']);
    for (const path of ['/snapshot', '/chat/search?q=damaged', '/chat/messages/none'])
      expect((await server.get(path)).body, path).toMatchObject({ status: 503, code: 'index_unavailable' });
    expect((await server.get('/health')).body).toMatchObject({
      status: 'degraded',
      problems: [
        expect.stringMatching(/the index fails.*(?:malformed|not a database)/),
        expect.stringMatching(/searching fails.*(?:malformed|not a database)/),
      ],
    });
  }
  await using server = await testNode({ dir: temp.path });
  expect(server.node.notes.join()).toMatch(/index: made anew, because it is damaged/);
  expect(await audit(server.url, acknowledged)).toEqual([]);
  expect((await server.get('/chat/search?q=damaged')).body.count).toBe(2);
  expect((await server.get('/health')).body.status).toBe('ok');
});
