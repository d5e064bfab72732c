import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Json, type TestNode, testNode } from '../support/node.ts';

let server: TestNode;
beforeAll(async () => {
  server = await testNode();
});
afterAll(() => server[Symbol.asyncDispose]());

/** What is found by words, in #`channel` alone. */
async function find(q: string, more: Record<string, string> = {}, headers: Record<string, string> = {}): Promise<Json> {
  const query = new URLSearchParams({ q, ...more });
  const { status, body } = await server.get(`/search?${query}`, headers);
  expect(status, JSON.stringify(body)).toBe(200);
  return body;
}

const texts = ({ results }: Json): string[] => results.map(({ message }: Json) => message.content);

describe('GET /search', () => {
  test('finds what was acknowledged just before, the best first, with a snippet and a score', async () => {
    await server.post('link', 'A note on deploying, and on lunch.', { channel: 'best' });
    await server.post('kai', 'deploying deploying', { channel: 'best' });
    const { results, ...answer } = await find('deploying ', { channel: 'best' });
    expect(results).toMatchObject([
      { kind: 'messages', matched: 'words', message: { from: 'kai', replyCount: 0 } },
      { kind: 'messages', snippet: { text: 'A note on deploying, and on lunch.', matches: [[10, 19]] } },
    ]);
    expect(results[0].score).toBeGreaterThan(results[1].score);
    expect(answer).toEqual({ mode: 'lexical', words: 'all', pending: 0 });
  });

  test('takes every word, and where nothing has all of them any of them, and says so', async () => {
    await server.post('link', 'alpha beta', { channel: 'every' });
    await server.post('link', 'alpha gamma', { channel: 'every' });
    expect(texts(await find('beta alpha', { channel: 'every' }))).toEqual(['alpha beta']);
    const any = await find('beta gamma', { channel: 'every' });
    expect([any.words, texts(any).sort()]).toEqual(['any', ['alpha beta', 'alpha gamma']]);
    expect((await find('nothing-of-this', { channel: 'every' })).results).toEqual([]);
  });

  test('takes phrases, identifiers and paths, beginnings and exclusions', async () => {
    const said = [
      'TASK-193 is about src/search/tokens.ts',
      'TASK-194 came after 193 others',
      'the tokens of search in src',
      'commit 4f2ab91c0de fixes max_retries',
      'a search for tokens',
    ];
    for (const content of said) await server.post('link', content, { channel: 'exact' });
    for (const [q, found] of [
      ['TASK-193', [0]],
      ['task-19', [1, 0]],
      ['"search for tokens"', [4]],
      ['search tokens ', [4, 2, 0]],
      ['src/search/tokens.ts', [0]],
      ['src/search/tok', [0]],
      ['4f2ab', [3]],
      ['retr*', [3]],
      ['max_retries', [3]],
      ['tokens -src ', [4]],
      ['tokens -"search in" ', [4, 0]],
    ] as const) {
      const expected = found.map((i) => said[i] as string).sort();
      expect(texts(await find(q, { channel: 'exact' })).sort(), q).toEqual(expected);
    }
  });

  test('is narrowed by sender, thread and time', async () => {
    const first = await server.post('link', 'narrow one', { channel: 'narrow' });
    const reply = await server.post('kai', 'narrow two', { threadId: first.id });
    const last = await server.post('kai', 'narrow three', { channel: 'narrow' });
    for (const [more, found] of [
      [{ from: 'kai' }, ['narrow three', 'narrow two']],
      [{ thread: first.id }, ['narrow two', 'narrow one']],
      [{ thread: last.id }, ['narrow three']],
      [{ since: String(reply.timestamp) }, ['narrow three', 'narrow two']],
      [{ before: String(reply.timestamp) }, ['narrow one']],
      [{ since: String(reply.timestamp), before: String(last.timestamp), from: 'link' }, []],
    ] as const)
      expect(texts(await find('narrow ', { channel: 'narrow', sort: 'newest', ...more }))).toEqual(found);
  });

  test('follows edits and deletions', async () => {
    const { id } = await server.post('link', 'before the edit', { channel: 'edits' });
    await server.send('POST', `/chat/messages/${id}/react`, { from: 'kai', emoji: '👍' });
    expect(texts(await find('before ', { channel: 'edits' }))).toEqual(['before the edit']);
    await server.send('PATCH', `/chat/messages/${id}`, { from: 'link', content: 'after it' });
    expect(texts(await find('before ', { channel: 'edits' }))).toEqual([]);
    expect(texts(await find('after ', { channel: 'edits' }))).toEqual(['after it']);
    await server.send('DELETE', `/chat/messages/${id}`, { from: 'link' });
    expect(texts(await find('after ', { channel: 'edits' }))).toEqual([]);
  });

  test('finds tasks, memories and decisions, each as its own routes show it', async () => {
    const { body: created } = await server.send('POST', '/tasks', { title: 'Zeppelin task', createdBy: 'kai' });
    const { body: written } = await server.send('POST', '/memories', { agent: 'kai', content: 'zeppelin memory' });
    await server.post('kai', 'zeppelin decision', { channel: 'decisions' });
    await server.post('kai', 'zeppelin message', { channel: 'general' });
    const { results } = await find('zeppelin ');
    const byKind = Object.fromEntries(results.map((result: Json) => [result.kind, result]));
    expect(Object.keys(byKind).sort()).toEqual(['decisions', 'memory', 'messages', 'tasks']);
    expect(byKind.tasks.task).toEqual((await server.get(`/tasks/${created.task.id}`)).body.task);
    expect(byKind.memory.memory).toEqual((await server.get(`/memories/${written.memory.id}`)).body.memory);
    expect(byKind.decisions.message.channel).toBe('decisions');
    const kinds = async (of: string) => (await find('zeppelin ', { in: of })).results.map(({ kind }: Json) => kind);
    expect(await kinds('tasks')).toEqual(['tasks']);
    expect(await kinds('decisions')).toEqual(['decisions']);
    expect((await kinds('messages')).sort()).toEqual(['messages', 'messages']);
    const { status } = await server.get('/search?q=x&in=everything');
    expect(status).toBe(400);
  });

  test('goes on page by page, whatever comes meanwhile', async () => {
    for (let i = 0; i < 7; i++) await server.post('link', `paged ${'word '.repeat(i)}`, { channel: 'paged' });
    for (const sort of ['relevance', 'newest']) {
      const whole = texts(await find('paged ', { channel: 'paged', sort }));
      const seen: string[] = [];
      let cursor: string | undefined;
      do {
        const page: Json = await find('paged ', { channel: 'paged', sort, limit: '3', ...(cursor && { cursor }) });
        seen.push(...texts(page));
        expect(page.more === true).toBe(page.cursor !== undefined);
        cursor = page.cursor;
        if (cursor) await server.post('kai', 'paged late', { channel: 'paged' });
      } while (cursor);
      expect(seen).toEqual(whole);
    }
    for (const [cursor, code] of [
      ['nonsense', 'invalid_cursor'],
      ['abcd1234-all_messages.a.a.0', 'cursor_gone'],
      [`${server.node.kernel.health().journal.epoch}-all_nothing.a.a.0`, 'invalid_cursor'],
    ])
      expect((await server.get(`/search?q=paged&cursor=${cursor}`)).body.code).toBe(code);
  });

  test('never calls a query wrong, whatever it holds', async () => {
    await server.post('link', 'AND OR NOT NEAR of the hostile', { channel: 'hostile' });
    const hostile = [
      '"',
      '""',
      '"unbalanced',
      'a" b',
      "'",
      '*',
      '^',
      '^hostile',
      'hostile*',
      '* *',
      '(',
      ')',
      '((',
      'NEAR(a b)',
      'hostile NEAR hostile',
      'hostile AND',
      'OR',
      'NOT',
      'words:hostile',
      'c:general',
      'u:kai',
      '{words}:x',
      '-',
      '--',
      '-hostile',
      '-"',
      '+',
      '😀',
      '👩‍👩‍👧',
      '\u0000',
      'hostile\u0000x',
      '\\',
      '%',
      '_',
      ';',
      "'; DROP TABLE messages; --",
      'مرحبا بالعالم',
      'שלום',
      '検索 機能',
      '한국어',
      'สวัสดี',
      '\u202e',
      'a'.repeat(8_000),
      'word '.repeat(1_600),
      '"'.repeat(2_000),
      '-a '.repeat(2_000),
    ];
    for (const q of hostile) {
      const { status, body } = await server.send('GET', `/search?q=${encodeURIComponent(q)}`);
      expect([status, Array.isArray(body.results)], q.slice(0, 40)).toEqual([200, true]);
    }
    for (const q of ['hostile', 'NOT NEAR', '(hostile', 'hostile"', '^hostile', 'hostile\u0000'])
      expect(texts(await find(q, { channel: 'hostile' })), q).toHaveLength(1);
    expect((await server.get('/search')).body.error).toBe('query parameter "q" is required');
    expect((await server.get(`/search?q=${'a'.repeat(8_193)}`)).body.code).toBe('invalid_input');
  });

  test('finds other scripts, without regard to case, diacritics or width', async () => {
    for (const content of ['Crème Brûlée', 'データベース検索機能', 'ＦＵＬＬ width', 'ΟΔΟΣ', 'ÎÇÎ İstanbul', 'done 🎉'])
      await server.post('link', content, { channel: 'scripts' });
    for (const [q, found] of [
      ['creme brulee', 'Crème Brûlée'],
      ['検索', 'データベース検索機能'],
      ['full', 'ＦＵＬＬ width'],
      ['οδος', 'ΟΔΟΣ'],
      ['istanbul', 'ÎÇÎ İstanbul'],
      ['🎉', 'done 🎉'],
    ])
      expect(texts(await find(q as string, { channel: 'scripts' })), q).toEqual([found]);
  });
});

describe('what is private', () => {
  test('is found by its ends alone, on every door, and counts for nobody else', async () => {
    await server.post('alice', 'the xylophone is ours', { to: 'Bob' });
    await server.send('POST', '/memories', { agent: 'Bob', content: 'xylophone in my head', scope: 'agent' });
    for (const [agent, found] of [
      ['Bob', 2],
      ['alice', 1],
      ['bob', 0],
      ['mallory', 0],
      [undefined, 0],
    ] as const) {
      const headers: Record<string, string> = agent === undefined ? {} : { 'x-agent': agent };
      for (const q of ['xylophone', 'xylo', 'xylophone xyzzy', 'xylophone -nothing']) {
        const answer = await find(q, {}, headers);
        expect(answer.results, `${agent}: ${q}`).toHaveLength(found);
        expect(answer.more).toBeUndefined();
      }
      const { body } = await server.get('/chat/search?q=xylophone', headers);
      expect(body.count).toBe(found === 0 ? 0 : 1);
    }
    expect((await server.get('/search?q=x&channel=dm:Bob:alice', { 'x-agent': 'mallory' })).body.code).toBe(
      'not_a_party',
    );
  });

  test('does not touch what others find, nor in which order', async () => {
    await server.post('link', 'quokka and wombat', { channel: 'apart' });
    await server.post('link', 'wombat wombat quokka marsupial', { channel: 'apart' });
    const before = await find('wombat quok', { channel: 'apart' });
    for (let i = 0; i < 20; i++) await server.post('alice', `quokka quokkas quokk${i} wombat`, { to: 'bob' });
    const after = await find('wombat quok', { channel: 'apart' });
    // How many events there are is no secret, and every term is the rarer the more there are.
    const shown = ({ results, ...rest }: Json) => [results.map(({ score: _, ...result }: Json) => result), rest];
    expect(shown(after)).toEqual(shown(before));
  });
});

test('GET /chat/search answers in the shape of the original, the newest, oldest first', async () => {
  for (const content of ['shape one', 'shape two', 'shape three'])
    await server.post('link', content, { channel: 'shape' });
  const { body } = await server.get('/chat/search?q=shape&channel=shape&limit=2');
  expect(body).toMatchObject({
    messages: [
      {
        content: 'shape two',
        from: 'link',
        reactions: {},
        replyCount: 0,
        score: expect.any(Number),
        snippet: { matches: [[0, 5]] },
      },
      { content: 'shape three' },
    ],
    count: 2,
    more: true,
  });
  const next = await server.get(`/chat/search?q=shape&channel=shape&limit=2&cursor=${body.cursor}`);
  expect(next.body).toMatchObject({ messages: [{ content: 'shape one' }], count: 1 });
  const short = await server.get('/chat/search?q=shape&channel=shape&fields=content,score&sort=relevance');
  expect(Object.keys(short.body.messages[0]).sort()).toEqual(['content', 'score']);
});

test('GET /search/status tells how far it is', async () => {
  await server.post('link', 'status');
  await find('status');
  const { body } = await server.get('/search/status');
  expect(body.messages.indexed).toBeLessThanOrEqual(body.messages.head);
  expect(body.semantic).toMatchObject({ pending: expect.any(Number) });
});

test('what the server notes in the thread of a task is not found, what is said there is', async () => {
  await using server = await testNode();
  const { body } = await server.send('POST', '/tasks', { title: 'Mend the pump', createdBy: 'kai' });
  const { id } = body.task;
  await server.send('POST', `/tasks/${id}/claim`, { agent: 'claimant' });
  await server.send('POST', `/tasks/${id}/comments`, { author: 'claimant', content: 'The claimant says hello.' });
  const notes = await server.get(`/chat/messages?channel=task:${id}`);
  expect(notes.body.messages.length).toBeGreaterThan(1);
  const found = await server.get('/chat/search?q=claimant');
  expect(found.body.messages.map(({ content }: { content: string }) => content)).toEqual(['The claimant says hello.']);
});
