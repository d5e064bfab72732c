import { once } from 'node:events';
import { request } from 'node:http';
import { describe, expect, test } from 'vitest';
import { type Json, type TestNode, testNode } from '../support/node.ts';

/** A wait that is known to have begun, and its answer. */
async function waiting(server: TestNode, agent: string, query = ''): Promise<{ answer: Promise<Json> }> {
  const answer = server.get(`/wait/${agent}?timeout=20${query}`).then(({ body }) => body);
  // A request that was sent later and is answered: the one before it has been begun.
  await server.get(`/wait/${agent}?timeout=0`);
  return { answer };
}

async function task(server: TestNode, fields: object): Promise<string> {
  const { body } = await server.send('POST', '/tasks', { title: 'Mend it', createdBy: 'link', ...fields });
  return body.task.id;
}

const patch = (server: TestNode, id: string, change: object) =>
  server.send('PATCH', `/tasks/${id}`, { agent: 'link', ...change });

const CAUSES: Record<string, (server: TestNode) => Promise<() => Promise<unknown>>> = {
  dm: async (server) => () => server.post('link', 'you', { to: 'kai' }),
  mention: async (server) => () => server.post('link', 'ask @kai', { channel: 'dev' }),
  assigned: async (server) => () => task(server, { assignee: 'kai' }),
  unblocked: async (server) => {
    const blocker = await task(server, {});
    await task(server, { assignee: 'kai', blocked_by: [blocker] });
    return () => patch(server, blocker, { status: 'done' });
  },
  review: async (server) => {
    const id = await task(server, { reviewer: 'kai' });
    return () => patch(server, id, { status: 'validating' });
  },
  reviewed: async (server) => {
    const id = await task(server, { assignee: 'kai', reviewer: 'pixel', status: 'validating' });
    return () => server.send('POST', `/tasks/${id}/review`, { by: 'pixel', verdict: 'reject' });
  },
  thread: async (server) => {
    const { id } = await server.post('kai', 'a question');
    return () => server.post('link', 'an answer', { threadId: id });
  },
};

describe('whoever waits', () => {
  test.each(Object.keys(CAUSES))('is woken by what is addressed to it: %s', async (reason) => {
    await using server = await testNode();
    const cause = await (CAUSES[reason] as (server: TestNode) => Promise<() => Promise<unknown>>)(server);
    const { answer } = await waiting(server, 'kai');
    await cause();
    const { items, count, cursor } = await answer;
    expect([items.map((each: Json) => each.reason), count]).toEqual([[reason], 1]);
    expect((await server.get(`/wait/kai?timeout=0&after=${cursor}`)).body).toMatchObject({ items: [], count: 0 });
  });

  test('is answered at once where there is something after its cursor, the oldest first', async () => {
    await using server = await testNode();
    const { cursor } = (await server.get('/wait/kai?timeout=0')).body;
    for (let i = 0; i < 55; i++) await server.post('link', `${i} @kai`);
    const first = (await server.get(`/wait/kai?timeout=600&after=${cursor}`)).body;
    const rest = (await server.get(`/wait/kai?timeout=600&after=${first.cursor}`)).body;
    expect([first.count, first.more, rest.count, rest.more]).toEqual([50, true, 5, undefined]);
    expect([...first.items, ...rest.items].map(({ content }: Json) => Number.parseInt(content, 10))).toEqual(
      Array.from({ length: 55 }, (_, i) => i),
    );
    expect(first).toMatchObject({ unread: 55, mentions: 55 });
  });

  test('is woken by nothing else', async () => {
    await using server = await testNode();
    const { id } = await server.post('link', 'of others');
    const answer = server.get('/wait/kai?timeout=1').then(({ body }) => body);
    await server.post('link', 'everybody');
    await server.post('link', 'somebody else', { to: 'pixel' });
    await server.post('pixel', 'a thread of others', { threadId: id });
    await server.post('kai', 'my own @kai');
    await task(server, { assignee: 'pixel' });
    await task(server, { createdBy: 'kai', assignee: 'kai' });
    const { items, cursor } = await answer;
    expect(items).toEqual([]);
    await server.post('link', 'now you', { to: 'kai' });
    const next = (await server.get(`/wait/kai?timeout=20&after=${cursor}`)).body;
    expect(next.items.map(({ content }: Json) => content)).toEqual(['now you']);
  });

  test('is answered in short: long texts are cut', async () => {
    await using server = await testNode();
    await server.post('link', 'x'.repeat(200_000), { to: 'kai' });
    const { items } = (await server.get('/wait/kai?timeout=0&after=earliest')).body;
    expect(items[0].content).toBe(`${'x'.repeat(280)}…`);
  });

  test('is let go when the server closes', async () => {
    const server = await testNode();
    const { answer } = await waiting(server, 'kai');
    const unasked = server.get('/wait/pixel').then(({ body }) => body);
    await server.get('/wait/pixel?timeout=0');
    await server[Symbol.asyncDispose]();
    expect((await answer).items).toEqual([]);
    expect((await unasked).items).toEqual([]);
  });

  test('and hangs up leaves nobody waiting', async () => {
    await using server = await testNode();
    const entered: AbortSignal[] = [];
    const { kernel } = server.node;
    const run = kernel.run.bind(kernel);
    kernel.run = (operation, raw, caller) => {
      if (operation.name === 'inbox.wait' && caller.signal) entered.push(caller.signal);
      return run(operation, raw, caller);
    };
    const call = request(`${server.url}/wait/kai?timeout=600`);
    call.on('error', () => {});
    call.end();
    while (entered.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    const [signal] = entered as [AbortSignal];
    call.destroy();
    if (!signal.aborted) await once(signal, 'abort');
    await server.post('link', 'nobody reads this', { to: 'kai' });
    expect((await server.get('/inbox/kai/unread')).body.count).toBe(1);
  });

  test('may not wait longer than ten minutes, nor from a cursor that is of no event here', async () => {
    await using server = await testNode();
    for (const [query, status] of [
      ['timeout=601', 400],
      ['timeout=-1', 400],
      ['after=99999', 410],
      ['after=%00', 400],
    ])
      expect((await server.get(`/wait/kai?${query}`)).status, String(query)).toBe(status);
  });

  test('for its inbox is woken by the channels that it follows too', async () => {
    await using server = await testNode();
    const answer = server.get('/inbox/kai?wait=20');
    await server.get('/inbox/kai?peek=1');
    await server.post('link', 'nobody follows this', { channel: 'dev' });
    await server.post('link', 'shipped', { channel: 'shipping' });
    expect((await answer).body.messages.map(({ content }: Json) => content)).toEqual(['shipped']);
  });
});

test('whoever waits and has never said a word is told what is for the whole channel', async () => {
  await using server = await testNode();
  const { answer } = await waiting(server, 'kai');
  await expect.poll(async () => (await server.get('/presence/kai')).body.presence?.status).toBe('waiting');
  await server.post('link', '@channel stand up');
  expect((await answer).items).toMatchObject([{ reason: 'mention', content: '@channel stand up' }]);
});

test('whoever waits for its inbox, and follows another channel meanwhile, is woken by that one', async () => {
  await using server = await testNode();
  const answer = server.get('/inbox/kai?wait=20');
  await server.get('/inbox/kai?peek=1');
  await server.send('POST', '/inbox/kai/subscribe', { channels: ['dev'] });
  const began = performance.now();
  await server.post('link', 'hello', { channel: 'dev' });
  expect((await answer).body.messages.map(({ content }: Json) => content)).toEqual(['hello']);
  expect(performance.now() - began).toBeLessThan(10_000);
});

test('an event is looked at by those alone who wait for its like', async () => {
  const server = await testNode();
  const { feed } = server.node.kernel;
  const others = ['types=task_*', 'channels=dev', 'actors=pixel', 'subjects=t1', 'topics=task'];
  for (let i = 0; i < 20; i++) others.push(`agent=agent-${i}`);
  let looks = 0;
  const page = feed.page.bind(feed);
  feed.page = (...args) => {
    looks++;
    return page(...args);
  };
  const ask = (query: string) => server.get(`/events?wait=600&${query}`).then(({ body }) => body);
  const answers = others.map(ask);
  const mine = ask('agent=kai&types=message_posted');
  await expect.poll(() => looks).toBe(26);
  const { seq } = await server.post('link', '@kai', { channel: 'random' });
  expect((await mine).events.map((each: Json) => each.seq)).toEqual([seq]);
  expect(looks).toBe(27);
  await server[Symbol.asyncDispose]();
  for (const answer of answers) expect((await answer).events).toEqual([]);
});
