import { describe, expect, test } from 'vitest';
import { temporaryDirectory } from '../support/directory.ts';
import { type Json, quietNode, type TestNode } from '../support/node.ts';
import { serverProcess } from '../support/process.ts';
import { controlledWorld } from '../support/world.ts';
import { openSocket } from '../support/ws.ts';

const MINUTE = 60_000;

async function contents(server: TestNode, query = ''): Promise<string[]> {
  const { status, body } = await server.get(`/inbox/kai${query}`);
  expect(status).toBe(200);
  expect(body.count).toBe(body.messages.length);
  return body.messages.map(({ content }: Json) => content);
}

/** X-Unread and X-Mentions of an answer. */
function counters(headers: Headers): (string | null)[] {
  return [headers.get('x-unread'), headers.get('x-mentions')];
}

async function unread(server: TestNode): Promise<number[]> {
  const { count, mentions, agent } = (await server.get('/inbox/kai/unread')).body;
  expect(agent).toBe('kai');
  return [count, mentions];
}

describe('an inbox', () => {
  test('shows what is addressed first, then newest first, each with its priority and reason', async () => {
    await using server = await quietNode();
    await server.post('link', 'everybody');
    await server.post('link', 'shipped', { channel: 'shipping' });
    await server.post('link', 'nobody follows this', { channel: 'dev' });
    await server.post('link', 'you', { to: 'kai' });
    await server.post('kai', '@kai, my own');
    await server.post('link', '@KAI!', { channel: 'dev' });
    const { body } = await server.get('/inbox/kai');
    expect(body.messages.map(({ content, priority, reason }: Json) => [content, priority, reason])).toEqual([
      ['@KAI!', 'high', 'mention'],
      ['you', 'high', 'dm'],
      ['shipped', 'medium', 'subscribed'],
      ['everybody', 'low', 'general'],
    ]);
    expect(body.messages[1]).toMatchObject({ from: 'link', to: 'kai', channel: 'dm:kai:link', reactions: {} });
    expect((await server.get('/inbox/link')).body.messages.map(({ content }: Json) => content)).toEqual([
      '@kai, my own',
    ]);
    expect((await server.get('/inbox/kai/mentions')).body).toMatchObject({ count: 1, agent: 'kai', mentions: [{}] });
  });

  test('takes priority, since and limit, and none of them loses the rest', async () => {
    await using server = await quietNode();
    for (const content of ['one', 'two', '@kai three']) await server.post('link', content);
    const { timestamp } = await server.post('link', 'four');
    expect(await contents(server, '?limit=1')).toEqual(['@kai three']);
    expect(await contents(server, '?priority=low')).toEqual(['four', 'two', 'one']);
    expect(await contents(server, `?since=${timestamp}`)).toEqual(['four']);
    expect(await unread(server)).toEqual([4, 1]);
    expect(await contents(server)).toHaveLength(4);
    expect(await unread(server)).toEqual([0, 0]);
    expect(await contents(server)).toHaveLength(4);
  });

  test('is acknowledged by ids, by time, by cursor and as a whole', async () => {
    await using server = await quietNode();
    const posts = [];
    for (const content of ['one', '@kai two', 'three', 'four', 'five']) posts.push(await server.post('link', content));
    const ack = async (body: object) => (await server.send('POST', '/inbox/kai/ack', body)).body;
    expect(await ack({ messageIds: [posts[1]?.id, 'msg-none'] })).toEqual({ success: true, count: 1 });
    expect(await contents(server, '?peek=1')).toEqual(['five', 'four', 'three', 'one']);
    expect(await unread(server)).toEqual([4, 0]);
    expect(await ack({ timestamp: posts[2]?.timestamp })).toEqual({ success: true });
    expect(await contents(server, '?peek=1')).toEqual(['five', 'four']);
    expect(await ack({ cursor: String(posts[3]?.seq) })).toEqual({ success: true });
    expect([await contents(server, '?peek=1'), await unread(server)]).toEqual([['five'], [1, 0]]);
    expect(await ack({ all: true })).toEqual({ success: true });
    expect([await contents(server), await unread(server)]).toEqual([[], [0, 0]]);
    for (const [body, status] of [
      [{}, 400],
      [{ all: true, timestamp: 1 }, 400],
      [{ cursor: '999999' }, 410],
      [{ cursor: 'xyz1-5' }, 410],
      [{ cursor: '!' }, 400],
    ] as const)
      expect((await server.send('POST', '/inbox/kai/ack', body)).status, JSON.stringify(body)).toBe(status);
    expect((await server.send('POST', '/inbox/kai/ack', {})).body.error).toBe(
      'messageIds, timestamp or all is required',
    );
  });

  test('that is looked at with peek stays as it was, and no event tells of it', async () => {
    await using server = await quietNode();
    await server.post('link', 'you', { to: 'kai' });
    const before = (await server.get('/health')).body.journal.head;
    for (let i = 0; i < 2; i++) expect(await contents(server, '?peek=1')).toEqual(['you']);
    expect(await unread(server)).toEqual([1, 0]);
    expect((await server.get('/health')).body.journal.head).toBe(before);
  });

  test('gives again after ten minutes what was to be acknowledged and was not', async () => {
    const world = controlledWorld();
    await using server = await quietNode({ world });
    const { id } = await server.post('link', 'one', { to: 'kai' });
    await server.post('link', 'two', { to: 'kai' });
    expect(await contents(server, '?ack=explicit')).toEqual(['two', 'one']);
    expect(await contents(server, '?ack=explicit')).toEqual([]);
    await server.send('POST', '/inbox/kai/ack', { messageIds: [id] });
    world.later(10 * MINUTE - 1_000);
    expect(await contents(server, '?ack=explicit')).toEqual([]);
    world.later(2_000);
    expect(await contents(server, '?ack=explicit')).toEqual(['two']);
    world.later(11 * MINUTE);
    await server.send('POST', '/inbox/kai/ack', { all: true });
    expect(await contents(server, '?ack=explicit')).toEqual([]);
  });

  test('of one agent shows nothing of the direct messages of others', async () => {
    await using server = await quietNode();
    await server.post('link', 'a secret for kai, not for @pixel', { to: 'kai' });
    for (const path of [
      '/inbox/pixel',
      '/inbox/pixel/mentions',
      '/catchup/pixel',
      '/heartbeat/pixel',
      '/wait/pixel?timeout=0&after=earliest',
    ])
      expect(JSON.stringify((await server.get(path)).body), path).not.toContain('secret');
    for (const headers of [{ 'x-agent': 'pixel' }])
      expect((await server.get('/inbox/kai', headers)).body.code).toBe('actor_mismatch');
    const events = JSON.stringify((await server.get('/events?after=earliest', { 'x-agent': 'pixel' })).body);
    await server.get('/inbox/kai');
    expect(events).not.toContain('secret');
    expect(JSON.stringify((await server.get('/events?after=earliest')).body)).not.toContain('inbox_read');
  });
});

describe('every answer to an agent that says its name', () => {
  test('tells how much there is for it: on reads and on writes', async () => {
    await using server = await quietNode();
    await server.post('link', 'you', { to: 'kai' });
    await server.post('link', 'ask @kai');
    const named = { 'x-agent': 'kai' };
    for (const path of ['/health', '/tasks', '/chat/messages', '/inbox/kai/unread'])
      expect(counters((await server.get(path, named)).headers), path).toEqual(['2', '1']);
    const post = await server.send('POST', '/chat/messages', { from: 'kai', content: 'hello' });
    expect(counters(post.headers)).toEqual(['2', '1']);
    expect(counters((await server.get('/health')).headers)).toEqual([null, null]);
    expect(counters((await server.get('/inbox/kai')).headers)).toEqual(['0', '0']);
  });

  test('tells it over a WebSocket as well', async () => {
    await using server = await quietNode();
    await server.post('link', 'ask @kai');
    await using hub = await openSocket(`${server.url}/ws?agent=kai`);
    hub.send({ type: 'call', id: 1, op: 'tasks.list', input: {} });
    expect(await hub.next(({ id }) => id === 1)).toMatchObject({ ok: true, unread: 1, mentions: 1 });
  });
});

describe('what was read and acknowledged', () => {
  test('stays so after a restart and after kill -9', { timeout: 60_000 }, async () => {
    using directory = temporaryDirectory();
    const dir = directory.path;
    const call = async (url: string, path: string, body?: object): Promise<Json> => {
      const response = await fetch(url + path, {
        ...(body && { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
      });
      return response.json();
    };
    const ids: string[] = [];
    {
      await using server = await serverProcess({ dir });
      for (const content of ['one', 'two', 'three'])
        ids.push((await call(server.url, '/chat/messages', { from: 'link', content, to: 'kai' })).message.id);
      await call(server.url, '/inbox/kai');
      await call(server.url, '/chat/messages', { from: 'link', content: 'four @kai' });
      await call(server.url, '/inbox/kai/ack', { messageIds: [ids[1]] });
      await server.end('SIGKILL');
    }
    for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
      await using server = await serverProcess({ dir });
      expect(await call(server.url, '/inbox/kai/unread')).toEqual({ agent: 'kai', count: 1, mentions: 1 });
      const { messages } = await call(server.url, '/inbox/kai?peek=1');
      expect(messages.map(({ content }: Json) => content)).toEqual(['four @kai', 'three', 'one']);
      await server.end(signal);
    }
  });
});
