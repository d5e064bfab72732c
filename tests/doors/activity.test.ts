import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { temporaryDirectory } from '../support/directory.ts';
import { type Json, quietNode, type TestNode } from '../support/node.ts';
import { openSocket } from '../support/ws.ts';

const SECRET = 'the-secret-word';
const DM = 'dm:alice:bob';

/** A small history: two agents talk, in public and in private, one of them has a task, and something is taken back. */
async function live(server: TestNode): Promise<void> {
  const hello = await server.post('alice', 'hello', { channel: 'dev' });
  await server.send('POST', `/chat/messages/${hello.id}/react`, { from: 'bob', emoji: '👍' });
  const secret = await server.post('alice', SECRET, { to: 'bob' });
  await server.send('POST', `/chat/messages/${secret.id}/react`, { from: 'bob', emoji: '🤫' });
  await server.post('bob', `${SECRET} too`, { threadId: secret.id });
  await server.send('PATCH', `/chat/messages/${secret.id}`, { from: 'alice', content: `${SECRET} again` });
  await server.send('POST', '/inbox/bob/subscribe', { channels: ['dev'] });
  await server.send('POST', '/tasks', { title: 'mend it', createdBy: 'carol', assignee: 'alice' });
  const regretted = await server.post('carol', 'something rash');
  await server.send('DELETE', `/chat/messages/${regretted.id}`, { from: 'carol' });
}

let server: TestNode;
beforeAll(async () => {
  server = await quietNode();
  await live(server);
});
afterAll(() => server[Symbol.asyncDispose]());

/** Types and actors of what is shown, newest first. */
async function shown(query: string, headers: Record<string, string> = {}): Promise<string[]> {
  const { status, body } = await server.get(`/activity${query}`, headers);
  expect([status, body.count]).toEqual([200, body.events?.length]);
  return body.events.map(({ type, actor }: Json) => `${type} by ${actor}`);
}

describe('GET /activity', () => {
  test('shows what happened, newest first, and who did it', async () => {
    expect(await shown('')).toEqual([
      'message_deleted by carol',
      'message_posted by carol',
      'task_assigned by carol',
      'task_created by carol',
      'message_reacted by bob',
      'message_posted by alice',
    ]);
    const { body } = await server.get('/activity?limit=3');
    expect(body).toEqual({
      events: expect.any(Array),
      count: 3,
      more: true,
      cursor: body.events[2].id,
    });
    expect(body.events[2]).toEqual({
      id: expect.stringMatching(/^[0-9a-z]{8}-\d+$/),
      type: 'task_assigned',
      timestamp: expect.any(Number),
      actor: 'carol',
      subject: expect.stringMatching(/^task-/),
      data: expect.objectContaining({ title: 'mend it', assignee: 'alice' }),
    });
  });

  test('shows nothing of what a deleted message said', async () => {
    const { events } = (await server.get('/activity?agent=carol')).body;
    expect(events[1]).toMatchObject({ type: 'message_posted', data: { content: '', deletedAt: expect.any(Number) } });
    expect(JSON.stringify(events)).not.toContain('rash');
  });

  test.each([
    ['agent=carol', 4],
    ['agent=alice', 1],
    ['agent=nobody', 0],
    ['type=message_posted', 2],
    ['type=message_posted,task_created', 3],
    ['type=message_posted&type=task_created', 3],
    ['type=task_*', 2],
    ['channel=dev', 2],
    ['channel=dev&type=message_reacted', 1],
    ['channel=dev&agent=bob', 1],
    ['agent=carol&type=message_*', 2],
    ['since=0', 6],
    ['since=9007199254740991', 0],
    ['limit=4', 4],
    ['limit=100000', 6],
  ])('with %s shows %i events', async (query, count) => {
    expect(await shown(`?${query}`)).toHaveLength(count);
  });

  test('shows events from a time on, that time included', async () => {
    const { events } = (await server.get('/activity')).body;
    for (const [i, { timestamp }] of events.entries())
      expect((await server.get(`/activity?since=${timestamp}`)).body.events).toEqual(events.slice(0, i + 1));
  });

  test('finds an agent by its alias as well, and by its name in other letters', async () => {
    await using own = await quietNode();
    await own.send('PUT', '/agents/kai', { aliases: ['scout'], agent: 'link' });
    await own.post('kai', 'hello');
    for (const name of ['kai', 'Scout', 'KAI']) {
      const { events } = (await own.get(`/activity?agent=${name}`)).body;
      expect(events.map(({ type }: Json) => type)).toEqual(['message_posted']);
    }
    expect((await own.get('/activity?agent=nobody')).body.count).toBe(0);
  });

  test('can be short', async () => {
    const { events } = (await server.get('/activity?fields=id,type&limit=1')).body;
    expect(Object.keys(events[0])).toEqual(['id', 'type']);
    const compact = (await server.get('/activity?compact=1&channel=dev&type=message_posted')).body.events[0].data;
    expect(compact).toMatchObject({ content: 'hello', reactions: { '👍': ['bob'] } });
  });

  test('says what is wrong with a question', async () => {
    for (const [query, pointer] of [
      ['agent=-x', '/agent'],
      ['type=a%20b', '/type'],
      ['channel=%00', '/channel'],
      ['since=soon', '/since'],
      ['limit=0', '/limit'],
    ]) {
      const { status, body } = await server.get(`/activity?${query}`);
      expect([query, status, body.errors?.[0].pointer.split('/').slice(0, 2).join('/')]).toEqual([query, 400, pointer]);
    }
    expect((await server.get('/activity?cursor=x%20y')).body).toMatchObject({ status: 400, code: 'invalid_cursor' });
    for (const cursor of ['anepoch0-1', '999999'])
      expect((await server.get(`/activity?cursor=${cursor}`)).body).toMatchObject({ status: 410, code: 'cursor_gone' });
  });

  test('has ids that are places in the stream of events', async () => {
    const { events } = (await server.get('/activity?limit=2')).body;
    const stream = (await server.get(`/events?after=${events[1].id}`)).body.events;
    expect(`${events[0].id.split('-')[0]}-${stream[0].seq}`).toBe(events[0].id);
  });
});

describe('what is private', () => {
  const questions = [
    '',
    '?limit=1000',
    '?agent=alice',
    '?agent=bob',
    '?type=message_*',
    '?type=message_posted',
    '?type=message_reacted',
    '?type=inbox_*',
    '?type=channel_created',
    '?type=*',
    '?since=0',
    '?agent=alice&type=message_posted',
    '?agent=bob&since=0&compact=1',
    '?cursor=<head>',
    '?fields=data',
  ];
  const fill = (query: string, head: string) => query.replace('<head>', head);

  test.each([
    ['a third party', { 'x-agent': 'mallory' }],
    ['nobody in particular', {}],
  ] as const)('is shown to %s by no question', async (_, headers) => {
    const { cursor } = (await server.get('/events')).body;
    for (const question of questions) {
      const { status, body } = await server.get(`/activity${fill(question, cursor)}`, headers);
      expect([question, status]).toEqual([question, 200]);
      expect([question, JSON.stringify(body)]).not.toEqual([question, expect.stringMatching(/secret|dm:|🤫|inbox_/)]);
    }
    for (const more of ['', '&agent=alice', '&type=*']) {
      const { status, body } = await server.get(`/activity?channel=${DM}${more}`, headers);
      expect([status, body.code]).toEqual([403, 'not_a_party']);
    }
  });

  test('is not shown to who asks for what one of its ends did, and is none of them', async () => {
    await using hub = await openSocket(`${server.url}/ws?agent=mallory`);
    hub.send({ type: 'call', id: 1, op: 'activity.list', input: { agent: 'alice' } });
    hub.send({ type: 'call', id: 2, op: 'activity.list', input: { channel: DM } });
    const first = await hub.next((frame) => frame.id === 1);
    expect(first).toMatchObject({ ok: true });
    expect(JSON.stringify(first)).toContain('hello');
    expect(JSON.stringify(first)).not.toContain(SECRET);
    expect(await hub.next((frame) => frame.id === 2)).toMatchObject({ ok: false, code: 'not_a_party' });
  });

  test.each([
    ['alice', '', 6 + 5],
    ['bob', '', 6 + 6],
    ['bob', '?agent=alice', 4],
    ['alice', '?agent=alice', 4],
    ['alice', '?agent=bob', 3],
    ['bob', '?agent=bob', 4],
    ['bob', '?type=inbox_*', 1],
    ['alice', '?type=inbox_*', 0],
    ['alice', `?channel=${DM}`, 5],
    ['bob', `?channel=${DM}&agent=bob`, 2],
    ['bob', '?type=message_reacted', 2],
  ])('is shown to %s, to whom it belongs, who asks %s: %i events', async (reader, question, count) => {
    expect(await shown(question, { 'x-agent': reader })).toHaveLength(count);
  });
});

describe('pages', () => {
  /** Ids of everything, page after page; `between` happens after each page. */
  async function all(node: TestNode, question: string, between?: () => Promise<unknown>): Promise<string[]> {
    const ids: string[] = [];
    for (let cursor: string | undefined; ; ) {
      const { body } = await node.get(`/activity?${question}${cursor === undefined ? '' : `&cursor=${cursor}`}`);
      ids.push(...body.events.map(({ id }: Json) => id));
      cursor = body.cursor;
      if (cursor === undefined) return ids;
      await between?.();
    }
  }

  test('show each event once that was there at the first, whatever comes meanwhile', async () => {
    await using node = await quietNode();
    for (let i = 0; i < 20; i++) {
      const { id } = await node.post('alice', `message ${i}`, { channel: i % 2 ? 'dev' : 'ops' });
      await node.send('POST', `/chat/messages/${id}/react`, { from: 'bob', emoji: 'ok' });
    }
    const meanwhile = async () => {
      const { id } = await node.post('alice', 'meanwhile', { channel: 'dev' });
      await node.send('POST', `/chat/messages/${id}/react`, { from: 'bob', emoji: 'ok' });
    };
    for (const question of ['', 'agent=alice', 'agent=bob', 'type=message_*', 'channel=dev', 'channel=dev&agent=bob']) {
      const before = await all(node, `${question}&limit=1000`);
      expect(before.length).toBeGreaterThan(9);
      expect([question, await all(node, `${question}&limit=3`, meanwhile)]).toEqual([question, before]);
      expect((await all(node, `${question}&limit=1000`)).length).toBeGreaterThan(before.length);
    }
  });
});

test('after a restart, and from an index made anew, every answer is the same', async () => {
  using directory = temporaryDirectory();
  const questions = [
    '',
    '?agent=alice',
    '?type=message_*,task_*',
    '?channel=dev',
    '?limit=2',
    '?channel=dev&agent=bob',
  ];
  const ask = async (node: TestNode) => {
    const answers: Json[] = [];
    for (const question of questions)
      for (const headers of [{}, { 'x-agent': 'bob' }] as Record<string, string>[])
        answers.push((await node.get(`/activity${question}`, headers)).body);
    return answers;
  };
  let before: Json[];
  {
    await using node = await quietNode({ dir: directory.path });
    await live(node);
    before = await ask(node);
  }
  {
    await using node = await quietNode({ dir: directory.path });
    expect(await ask(node)).toEqual(before);
  }
  rmSync(join(directory.path, 'index.sqlite'));
  await using node = await quietNode({ dir: directory.path });
  expect(await ask(node)).toEqual(before);
});
