import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { importMessages } from '../../src/capabilities/messages/import.ts';
import { openDatabase } from '../../src/store/sqlite.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { type Json, type TestNode, testNode } from '../support/node.ts';

const QUESTIONS = [
  '/search?q=green+build',
  '/search?q=bui&sort=newest',
  '/search?q=TASK-7+-red&limit=5',
  '/search?q=green+nothing-of-this',
  '/search?q=ours&agent=alice',
  '/search?q=build&in=tasks,memory',
  '/chat/search?q=build&limit=3',
];

/** A history in which texts came, changed and went, in some transactions of the index. */
async function tell(server: TestNode): Promise<void> {
  const ids: string[] = [];
  for (let i = 0; i < 40; i++) {
    const { id } = await server.post('link', `Build ${i} of TASK-${i % 9} is ${i % 3 === 0 ? 'red' : 'green'}`);
    ids.push(id);
    if (i % 10 === 9) await server.get('/chat/search?q=build');
  }
  await server.post('alice', 'the green build is ours', { to: 'bob' });
  for (let i = 0; i < 6; i++) {
    const { body } = await server.send('POST', '/tasks', { title: `Build the ${i}th`, createdBy: 'kai' });
    if (i % 3 === 1) await server.send('DELETE', `/tasks/${body.task.id}`, {});
    if (i % 3 === 2) await server.send('PATCH', `/tasks/${body.task.id}`, { description: 'green at last' });
  }
  await server.send('POST', '/memories', { agent: 'kai', content: 'A build is green when its tests are.' });
  for (const i of [3, 17])
    await server.send('PATCH', `/chat/messages/${ids[i]}`, { from: 'link', content: 'edited build' });
  for (const i of [4, 20]) await server.send('DELETE', `/chat/messages/${ids[i]}`, { from: 'link' });
  await server.send('POST', `/chat/messages/${ids[5]}/react`, { from: 'kai', emoji: '👍' });
}

async function answers({ get }: TestNode): Promise<Json[]> {
  const bodies = await Promise.all(QUESTIONS.map((path) => get(path)));
  expect(bodies.map(({ status }) => status)).toEqual(QUESTIONS.map(() => 200));
  // A cursor names the epoch and rows: those are the same as well.
  return bodies.map(({ body }) => body);
}

test('an index that is gone, older or damaged is made anew and gives the same answers, scores and all', async () => {
  using temp = temporaryDirectory();
  const file = join(temp.path, 'index.sqlite');
  let before: Json[];
  {
    await using server = await testNode({ dir: temp.path });
    await tell(server);
    before = await answers(server);
    for (const [i, { results, messages }] of before.entries())
      expect((results ?? messages).length, QUESTIONS[i]).toBeGreaterThan(0);
  }
  for (const [spoil, reason] of [
    [() => rmSync(file), /there is none/],
    [() => alter("UPDATE meta SET value = 'older' WHERE key = 'fingerprint'"), /layout is of another version/],
    [
      () => {
        for (const suffix of ['', '-wal']) writeFileSync(file + suffix, 'no database'.repeat(10_000));
      },
      /damaged/,
    ],
  ] as const) {
    spoil();
    const progress: number[] = [];
    await using server = await testNode({ dir: temp.path, onProgress: (done) => progress.push(done) });
    expect(server.node.notes.join()).toMatch(reason);
    expect(progress.length).toBeGreaterThan(0);
    expect(await answers(server)).toEqual(before);
  }

  function alter(sql: string): void {
    const database = openDatabase(file);
    database.exec(sql);
    database.close();
  }
});

test('words that are wrong are made anew on demand, while messages come and searches are answered whole', async () => {
  using temp = temporaryDirectory();
  await using server = await testNode({ dir: temp.path });
  const many = 1_500;
  await Promise.all(
    Array.from({ length: many }, (_, i) => server.post('link', `zebra ${i}`, { channel: `z-${i % 50}` })),
  );
  const count = async (q: string) => (await server.get(`/chat/search?q=${q}&limit=1000&fields=id`)).body.count;
  expect(await count('zebra+700')).toBe(1);
  const other = openDatabase(join(temp.path, 'index.sqlite'), { timeout: 5_000 });
  other.exec(
    "DELETE FROM words_messages WHERE rowid = (SELECT seq FROM messages WHERE doc ->> 'content' = 'zebra 700')",
  );
  other.exec("INSERT INTO words_messages (rowid, words) VALUES (2000000, 'zebra ghost')");
  other.close();
  const any = (await server.get('/chat/search?q=zebra+700')).body;
  expect([any.words, any.count]).toEqual(['any', 100]);
  const { body } = await server.send('POST', '/search/reindex', {});
  expect(body).toMatchObject({ success: true, status: { reindexing: { done: expect.any(Number) } } });
  let posted = 0;
  let rounds = 0;
  for (; (await server.get('/search/status')).body.reindexing !== undefined; rounds++) {
    await server.post('kai', `giraffe ${posted++}`, { channel: 'savanna' });
    expect(await count('giraffe')).toBe(posted);
    expect(await count('zebra')).toBe(1_000);
    expect(await count('zebra+1400')).toBe(1);
  }
  expect(rounds).toBeGreaterThan(0);
  expect(await count('zebra+700')).toBe(1);
  expect((await server.get('/health')).body.status).toBe('ok');
});

test('a thread that ends is told to whoever waits, and started again by the next search', async () => {
  using temp = temporaryDirectory();
  const documents = join(temp.path, 'documents.mjs');
  // The thread that searches ends where the trap is set, once. The writer has a role.
  writeFileSync(
    documents,
    `import { existsSync, rmSync } from 'node:fs';
     import { workerData } from 'node:worker_threads';
     const trap = ${JSON.stringify(join(temp.path, 'trap'))};
     export const documents = [{ kind: 'messages', collection: 'messages', keep: 'history', of(message) {
       if (workerData.role === undefined && existsSync(trap)) { rmSync(trap); process.exit(3); }
       return { text: message.content, at: message.timestamp, place: {} };
     } }];`,
  );
  await using server = await testNode({ dir: temp.path, documents: `file://${documents}` });
  await server.post('link', 'hello there');
  expect((await server.get('/chat/search?q=hello')).body.count).toBe(1);
  writeFileSync(join(temp.path, 'trap'), '');
  const [first, second] = await Promise.all([server.get('/chat/search?q=hello'), server.get('/chat/search?q=there')]);
  for (const { status, body, headers } of [first, second])
    expect([status, body.code, headers.get('retry-after')]).toEqual([503, 'index_unavailable', '1']);
  expect((await server.get('/health')).body).toMatchObject({
    status: 'degraded',
    problems: [expect.stringMatching(/searching fails: its thread ended with 3/)],
  });
  expect((await server.get('/search/status')).body.error).toMatch(/ended with 3/);
  expect((await server.get('/chat/search?q=hello')).body.count).toBe(1);
  expect((await server.get('/health')).body.status).toBe('ok');
});

test('what was acknowledged is found by the next search, however many write at once', async () => {
  await using server = await testNode();
  await Promise.all(
    Array.from({ length: 8 }, async (_, writer) => {
      for (let i = 0; i < 25; i++) {
        const { id } = await server.post(`agent-${writer}`, `mark ${writer}x${i}`);
        const { body } = await server.get(`/search?q=${writer}x${i}+`);
        expect(body.results.map((result: Json) => result.id)).toEqual([id]);
      }
    }),
  );
});

test('an import finds its place in time, whenever it came', async () => {
  await using server = await testNode();
  const { timestamp } = await server.post('link', 'today: the kiwi');
  const { kernel } = server.node;
  const messages = [1_000, 2_000, 3_000].map((time) => ({
    message: { id: `old-${time}`, from: 'kai', content: `kiwi of ${time}`, timestamp: time, channel: 'general' },
    replies: [],
  }));
  await kernel.run(importMessages, { messages }, {});
  await server.post('link', 'tomorrow: the kiwi');
  for (const [range, found] of [
    ['since=1000&before=2000', ['kiwi of 1000']],
    ['since=2000&before=3001', ['kiwi of 3000', 'kiwi of 2000']],
    [`since=${timestamp}`, ['tomorrow: the kiwi', 'today: the kiwi']],
    [`before=${timestamp}`, ['kiwi of 3000', 'kiwi of 2000', 'kiwi of 1000']],
    ['since=3001&before=5000', []],
  ] as const) {
    const { body } = await server.get(`/search?q=kiwi&sort=newest&${range}`);
    expect(
      body.results.map(({ message }: Json) => message.content),
      range,
    ).toEqual(found);
  }
});
