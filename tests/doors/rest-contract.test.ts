import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type TestNode, testNode } from '../support/node.ts';

let server: TestNode;
beforeAll(async () => {
  server = await testNode();
});
afterAll(() => server[Symbol.asyncDispose]());

const ID = /^msg-\d{13}-[a-z0-9]{9}$/;

describe('POST /chat/messages', () => {
  test('answers {success, message} with the fields of the contract and nothing else', async () => {
    const { status, body, headers } = await server.send('POST', '/chat/messages', { from: 'link', content: 'hello' });
    expect(status).toBe(200);
    expect(headers.get('content-type')).toBe('application/json; charset=utf-8');
    expect(body).toEqual({
      success: true,
      message: {
        id: expect.stringMatching(ID),
        from: 'link',
        content: 'hello',
        timestamp: expect.any(Number),
        channel: 'general',
        reactions: {},
        seq: Number(headers.get('x-seq')),
      },
    });
  });

  test('keeps to, channel and metadata, and gives times that strictly increase', async () => {
    const first = await server.post('link', 'a', { to: 'sage', channel: 'dev', metadata: { a: [1, { b: null }] } });
    const second = await server.post('link', 'b', { channel: 'dev' });
    expect(first).toMatchObject({ to: 'sage', channel: 'dev', metadata: { a: [1, { b: null }] } });
    expect(second.timestamp).toBeGreaterThan(first.timestamp);
    const { body } = await server.get(`/chat/messages/${first.id}`);
    expect(body.message).toEqual(first);
  });

  test('takes an empty text only with attachments', async () => {
    const attachments = [{ name: 'log.txt', url: 'file:///tmp/log.txt' }];
    expect((await server.send('POST', '/chat/messages', { from: 'link', content: '', attachments })).status).toBe(200);
    for (const body of [{ content: '' }, { content: '', attachments: [] }, {}]) {
      const answer = await server.send('POST', '/chat/messages', { from: 'link', ...body });
      expect(answer.status).toBe(400);
      expect(answer.body.error).toBe('from and content are required');
      expect(answer.body.errors).toEqual([{ pointer: '/content', detail: expect.any(String) }]);
    }
  });

  test('names every wrong field with a JSON pointer', async () => {
    const answer = await server.send('POST', '/chat/messages', {
      from: '-x',
      content: 5,
      attachments: [{ name: 'ok' }, { name: '', size: -1 }],
    });
    expect(answer.status).toBe(400);
    expect(answer.body.errors.map(({ pointer }: { pointer: string }) => pointer).sort()).toEqual([
      '/attachments/1/name',
      '/attachments/1/size',
      '/content',
      '/from',
    ]);
  });

  test('keeps every character of a text', async () => {
    const content = 'a\u0000b\r\n\u2028\u2029"\\ 😀 é é ‮ \ud800 �';
    const posted = await server.post('link', content, { channel: 'unicode' });
    const { body } = await server.get('/chat/messages?channel=unicode');
    expect(body.messages[0].content).toBe(content);
    expect(body.messages[0].id).toBe(posted.id);
  });

  test('refuses what would not fit into one event with 413, and deep nesting with 400', async () => {
    const big = await server.send('POST', '/chat/messages', { from: 'link', content: '€'.repeat(100_000) });
    expect([big.status, big.body.code]).toEqual([413, 'too_large']);
    const deep = `{"from":"link","content":"x","metadata":{"a":${'['.repeat(50_000)}${']'.repeat(50_000)}}}`;
    const answer = await server.send('POST', '/chat/messages', deep);
    expect([answer.status, answer.body.code]).toEqual([400, 'invalid_input']);
    expect((await server.get('/health')).body.status).toBe('ok');
  });
});

describe('GET /chat/messages', () => {
  test('shows the last N, oldest first, each with replyCount', async () => {
    const posted = [];
    for (let i = 0; i < 5; i++) posted.push(await server.post('link', `m${i}`, { channel: 'order' }));
    await server.post('sage', 'reply', { threadId: posted[3]?.id });
    const { body } = await server.get('/chat/messages?channel=order&limit=3');
    expect(body.messages.map(({ content }: { content: string }) => content)).toEqual(['m3', 'm4', 'reply']);
    expect(body.messages.map(({ replyCount }: { replyCount: number }) => replyCount)).toEqual([1, 0, 0]);
    expect(body).toMatchObject({ more: true, cursor: expect.any(String) });
  });

  test('filters by equality of from, to and channel; since is >=, before and after are strict', async () => {
    const [a, b, c] = [
      await server.post('ann', 'a', { channel: 'times', to: 'bob' }),
      await server.post('bob', 'b', { channel: 'times' }),
      await server.post('ann', 'c', { channel: 'times' }),
    ];
    const ids = async (query: string) =>
      (await server.get(`/chat/messages?channel=times&${query}`)).body.messages.map(({ id }: { id: string }) => id);
    expect(await ids('from=ann')).toEqual([a.id, c.id]);
    expect(await ids('to=bob')).toEqual([a.id]);
    expect(await ids(`since=${b.timestamp}`)).toEqual([b.id, c.id]);
    expect(await ids(`after=${b.timestamp}`)).toEqual([c.id]);
    expect(await ids(`before=${b.timestamp}`)).toEqual([a.id]);
  });

  test('gives 100 unless told, and never more than 1000', async () => {
    await Promise.all(Array.from({ length: 1_010 }, (_, i) => server.post('link', `n${i}`, { channel: 'many' })));
    const count = async (query: string) =>
      (await server.get(`/chat/messages?channel=many${query}`)).body.messages.length;
    expect(await count('')).toBe(100);
    expect(await count('&limit=1000')).toBe(1_000);
    expect(await count('&limit=99999')).toBe(1_000);
    for (const bad of ['0', '-1', 'x', '1.5', ''])
      expect((await server.get(`/chat/messages?limit=${bad}`)).status, `limit=${bad}`).toBe(400);
  });

  test('pages by cursor without a gap or a duplicate while others post', async () => {
    const posted: string[] = [];
    for (let i = 0; i < 25; i++) posted.push((await server.post('link', `p${i}`, { channel: 'paged' })).id);
    const seen: string[] = [];
    let cursor = '';
    do {
      const { body } = await server.get(`/chat/messages?channel=paged&limit=4${cursor}`);
      seen.unshift(...body.messages.map(({ id }: { id: string }) => id));
      cursor = body.more ? `&cursor=${body.cursor}` : '';
      await server.post('sage', 'meanwhile', { channel: 'paged' });
    } while (cursor !== '');
    expect(seen).toEqual(posted);
  });

  test('takes the cursor of any event: what came before it', async () => {
    await server.post('link', 'one', { channel: 'any-cursor' });
    const { body: head } = await server.get('/events');
    await server.post('link', 'two', { channel: 'any-cursor' });
    // The event of the new channel is no message, and comes before the first one.
    const { body } = await server.get(`/chat/messages?channel=any-cursor&cursor=${head.cursor}`);
    expect(body.messages).toEqual([]);
    await server.send('POST', '/chat/rooms', { id: 'no-message', name: 'x' });
    const { body: later } = await server.get('/events');
    const { body: all } = await server.get(`/chat/messages?channel=any-cursor&cursor=${later.cursor}`);
    expect(all.messages.map(({ content }: { content: string }) => content)).toEqual(['one', 'two']);
    expect((await server.get('/chat/messages?cursor=999999')).status).toBe(410);
    expect((await server.get('/chat/messages?cursor=abcdefgh-1')).status).toBe(410);
    expect((await server.get('/chat/messages?cursor=nonsense!')).status).toBe(400);
  });

  test('leaves the asked fields, and shortens with compact', async () => {
    await server.post('link', 'x'.repeat(2_000), { channel: 'short', metadata: { big: 'y'.repeat(100) } });
    const { body } = await server.get('/chat/messages?channel=short&fields=from,content');
    expect(body.messages).toEqual([{ from: 'link', content: 'x'.repeat(2_000) }]);
    const { body: compact } = await server.get('/chat/messages?channel=short&compact=1');
    expect(JSON.stringify(compact.messages).length).toBeLessThan(600);
    expect(compact.messages[0]).not.toHaveProperty('metadata');
  });

  test('never answers more than its byte cap, and says how to continue', async () => {
    const content = '€'.repeat(60_000);
    for (let i = 0; i < 8; i++) await server.post('link', content, { channel: 'huge' });
    let cursor = '';
    let count = 0;
    do {
      const response = await fetch(`${server.url}/chat/messages?channel=huge${cursor}`);
      const text = await response.text();
      expect(Buffer.byteLength(text)).toBeLessThanOrEqual(1024 * 1024 + 200);
      const body = JSON.parse(text);
      count += body.messages.length;
      cursor = body.more ? `&cursor=${body.cursor}` : '';
    } while (cursor !== '');
    expect(count).toBe(8);
    // Short items are many, however long their messages are.
    expect((await server.get('/chat/messages?channel=huge&compact=1')).body.messages).toHaveLength(8);
  });
});

describe('reactions', () => {
  test('toggle, and an empty list is removed', async () => {
    const { id } = await server.post('link', 'react to me');
    const react = async (from: string, emoji: string) =>
      (await server.send('POST', `/chat/messages/${id}/react`, { from, emoji })).body;
    expect(await react('sage', '👍')).toMatchObject({ success: true, message: { id, reactions: { '👍': ['sage'] } } });
    expect((await react('link', '👍')).message.reactions).toEqual({ '👍': ['sage', 'link'] });
    expect((await react('sage', '👍')).message.reactions).toEqual({ '👍': ['link'] });
    expect((await server.get(`/chat/messages/${id}/reactions`)).body).toEqual({ reactions: { '👍': ['link'] } });
    expect((await react('link', '👍')).message.reactions).toEqual({});
  });

  test('take words that objects have of their own', async () => {
    const { id } = await server.post('link', 'odd');
    for (const emoji of ['constructor', 'toString', 'hasOwnProperty']) {
      const { body } = await server.send('POST', `/chat/messages/${id}/react`, { from: 'link', emoji });
      expect(body.message.reactions[emoji]).toEqual(['link']);
    }
  });

  test('without emoji or sender are refused in the words of the original', async () => {
    const { id } = await server.post('link', 'x');
    for (const body of [{}, { emoji: '👍' }, { from: 'link' }, { emoji: '', from: 'link' }]) {
      const answer = await server.send('POST', `/chat/messages/${id}/react`, body);
      expect([answer.status, answer.body.error]).toEqual([400, 'emoji and from are required']);
    }
    const gone = await server.send('POST', '/chat/messages/none/react', { from: 'link', emoji: '👍' });
    expect([gone.status, gone.body.error]).toEqual([404, 'Message not found']);
  });
});

describe('threads', () => {
  test('begin with the parent, and the count includes it; deleted replies are gone from both', async () => {
    const parent = await server.post('link', 'parent', { channel: 'dev' });
    const one = await server.post('sage', 'one', { threadId: parent.id });
    const two = await server.post('echo', 'two', { threadId: one.id });
    expect([one.channel, two.channel]).toEqual(['dev', 'dev']);
    const { body } = await server.get(`/chat/messages/${parent.id}/thread`);
    expect(body.count).toBe(3);
    expect(body.messages.map(({ id }: { id: string }) => id)).toEqual([parent.id, one.id, two.id]);
    expect(body.messages[0].replyCount).toBe(2);
    await server.send('DELETE', `/chat/messages/${one.id}`, { from: 'sage' });
    const { body: after } = await server.get(`/chat/messages/${parent.id}/thread`);
    expect(after.count).toBe(2);
    expect(after.messages.map(({ id }: { id: string }) => id)).toEqual([parent.id, two.id]);
    expect(after.messages[0].replyCount).toBe(1);
  });

  test('page by cursor, the parent once', async () => {
    const parent = await server.post('link', 'long');
    for (let i = 0; i < 5; i++) await server.post('sage', `r${i}`, { threadId: parent.id });
    const { body: first } = await server.get(`/chat/messages/${parent.id}/thread?limit=2`);
    const { body: second } = await server.get(`/chat/messages/${parent.id}/thread?limit=9&cursor=${first.cursor}`);
    expect([...first.messages, ...second.messages].map(({ content }: { content: string }) => content)).toEqual([
      'long',
      'r0',
      'r1',
      'r2',
      'r3',
      'r4',
    ]);
  });

  test('stay in their channel', async () => {
    const parent = await server.post('link', 'here', { channel: 'dev' });
    const answer = await server.send('POST', '/chat/messages', {
      from: 'link',
      content: 'x',
      channel: 'problems',
      threadId: parent.id,
    });
    expect([answer.status, answer.body.code]).toEqual([422, 'thread_in_other_channel']);
  });
});

describe('editing and deleting', () => {
  test('is for the author alone', async () => {
    const { id } = await server.post('link', 'mine');
    for (const [method, body] of [
      ['PATCH', { from: 'sage', content: 'yours' }],
      ['DELETE', { from: 'sage' }],
    ] as const) {
      const answer = await server.send(method, `/chat/messages/${id}`, body);
      expect([answer.status, answer.body.code]).toEqual([403, 'not_the_author']);
    }
    const edited = await server.send('PATCH', `/chat/messages/${id}`, { from: 'link', content: 'better' });
    expect(edited.body).toMatchObject({ success: true, message: { content: 'better', editedAt: expect.any(Number) } });
    expect((await server.send('DELETE', `/chat/messages/${id}`, { from: 'link' })).body).toEqual({ success: true });
  });

  test('leaves a tombstone: 410 for everything that asks for the message, and nothing of it in a list', async () => {
    const { id } = await server.post('link', 'tombstone-text', { channel: 'graves' });
    await server.send('DELETE', `/chat/messages/${id}`, { from: 'link' });
    const answers = [
      await server.get(`/chat/messages/${id}`),
      await server.get(`/chat/messages/${id}/reactions`),
      await server.get(`/chat/messages/${id}/thread`),
      await server.send('POST', `/chat/messages/${id}/react`, { from: 'sage', emoji: '👍' }),
      await server.send('PATCH', `/chat/messages/${id}`, { from: 'link', content: 'again' }),
      await server.send('DELETE', `/chat/messages/${id}`, { from: 'link' }),
      await server.send('POST', '/chat/messages', { from: 'sage', content: 'late', threadId: id }),
    ];
    expect(answers.map(({ status, body }) => [status, body.error])).toEqual(
      answers.map(() => [410, 'Message not found']),
    );
    expect((await server.get('/chat/messages?channel=graves')).body.messages).toEqual([]);
    expect((await server.get('/chat/search?q=tombstone-text')).body.count).toBe(0);
  });
});

describe('channels and rooms', () => {
  test('the five defaults are always there, the newest activity first, counts without deleted ones', async () => {
    await using fresh = await testNode();
    const { body } = await fresh.get('/chat/channels');
    expect(body).toEqual({
      channels: ['general', 'problems', 'shipping', 'dev', 'decisions'].map((channel) => ({
        channel,
        count: 0,
        lastActivity: 0,
      })),
    });
    await fresh.post('link', 'a', { channel: 'dev' });
    const { timestamp, id } = await fresh.post('link', 'b', { channel: 'ours' });
    const { body: after } = await fresh.get('/chat/channels');
    expect(after.channels[0]).toEqual({ channel: 'ours', count: 1, lastActivity: timestamp });
    expect(after.channels.map(({ channel }: { channel: string }) => channel)).toEqual([
      'ours',
      'dev',
      'general',
      'problems',
      'shipping',
      'decisions',
    ]);
    await fresh.send('DELETE', `/chat/messages/${id}`, { from: 'link' });
    expect((await fresh.get('/chat/channels')).body.channels[0].count).toBe(0);
    // Page by page it is the same list.
    const paged: string[] = [];
    let cursor = '';
    do {
      const { body: page } = await fresh.get(`/chat/channels?limit=2${cursor}`);
      paged.push(...page.channels.map(({ channel }: { channel: string }) => channel));
      cursor = page.more ? `&cursor=${page.cursor}` : '';
    } while (cursor !== '');
    expect(paged).toEqual(after.channels.map(({ channel }: { channel: string }) => channel));
  });

  test('a room is a channel', async () => {
    const { body } = await server.send('POST', '/chat/rooms', { id: 'war-room', name: 'War room' });
    expect(body).toMatchObject({
      success: true,
      room: { id: 'war-room', name: 'War room', participants: [], createdAt: expect.any(Number) },
    });
    await server.post('link', 'in', { channel: 'war-room' });
    const { body: list } = await server.get('/chat/rooms');
    expect(list.rooms.find(({ id }: { id: string }) => id === 'war-room')).toMatchObject({ participants: ['link'] });
    const { body: channels } = await server.get('/chat/channels');
    expect(channels.channels[0]).toMatchObject({ channel: 'war-room', count: 1 });
    const missing = await server.send('POST', '/chat/rooms', {});
    expect([missing.status, missing.body.error]).toEqual([400, 'id and name are required']);
  });

  test('an archived channel can be read and not written; a default one cannot be archived', async () => {
    await server.post('link', 'last words', { channel: 'old' });
    expect((await server.send('POST', '/chat/channels/old/archive', {})).body.room.archived).toBe(true);
    const refused = await server.send('POST', '/chat/messages', { from: 'link', content: 'x', channel: 'old' });
    expect([refused.status, refused.body.code]).toEqual([409, 'channel_archived']);
    expect((await server.get('/chat/messages?channel=old')).body.messages).toHaveLength(1);
    await server.send('POST', '/chat/channels/old/unarchive', {});
    await server.post('link', 'again', { channel: 'old' });
    const protectedOne = await server.send('POST', '/chat/channels/general/archive', {});
    expect([protectedOne.status, protectedOne.body.code]).toEqual([422, 'channel_protected']);
  });
});

describe('GET /chat/search', () => {
  test('finds text with every special character literally', async () => {
    const texts = [
      '100% sure',
      'snake_case',
      'say "hi"',
      'back\\slash',
      'tab\there',
      'naïve 😀 日本',
      "it's; DROP TABLE",
      'before\u0000 After a NUL',
    ];
    for (const content of texts) await server.post('link', content, { channel: 'found' });
    for (const [q, found] of [
      ['100%', '100% sure'],
      ['snake_ca', 'snake_case'],
      ['"hi"', 'say "hi"'],
      ['back\\slash', 'back\\slash'],
      ['tab\th', 'tab\there'],
      ['😀 日', 'naïve 😀 日本'],
      ['NAIVE', 'naïve 😀 日本'],
      ["it's;", "it's; DROP TABLE"],
      ['SNAKE', 'snake_case'],
      ['after a nul', 'before\u0000 After a NUL'],
      ['BEFORE\u0000 a', 'before\u0000 After a NUL'],
    ]) {
      const { body } = await server.get(`/chat/search?q=${encodeURIComponent(q as string)}&channel=found`);
      expect(body.messages.map(({ content }: { content: string }) => content)).toEqual([found]);
      expect(body.count).toBe(1);
    }
  });

  test('looks into what was said, not into names, ids or the form of the record', async () => {
    await server.post('zelda', 'plain words', { channel: 'looking' });
    for (const q of ['zelda', 'looking', 'reactions', 'timestamp', 'msg-', '":"'])
      expect((await server.get(`/chat/search?q=${encodeURIComponent(q)}`)).body.count, q).toBe(0);
  });

  test('needs a query, in the words of the original', async () => {
    for (const path of ['/chat/search', '/chat/search?q=']) {
      const { status, body } = await server.get(path);
      expect([status, body.error]).toEqual([400, 'query parameter "q" is required']);
    }
  });
});

test('GET /health has the figures of the contract', async () => {
  await using fresh = await testNode();
  await fresh.post('link', 'one');
  const { body } = await fresh.get('/health');
  expect(body).toMatchObject({
    status: 'ok',
    chat: { totalMessages: 1, rooms: 5, subscribers: 0 },
    tasks: { total: 0, byStatus: {} },
    inbox: { agents: 0, defaultSubscriptions: ['general', 'decisions', 'problems', 'shipping'] },
    timestamp: expect.any(Number),
  });
  expect(body).toHaveProperty('openclaw');
});
