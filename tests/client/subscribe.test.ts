import { expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { createClient, type Delivery, type Event, type Link, ProblemError } from '../../src/client/node.ts';
import { sseDoor } from '../../src/client/sse-door.ts';
import { Subscription } from '../../src/client/subscription.ts';
import { wsDoor } from '../../src/client/ws-door.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { fakeHub } from '../support/hub.ts';
import { quietNode, testNode } from '../support/node.ts';
import { openProxy } from '../support/proxy.ts';

const retry = { tries: 4, firstMs: 5, mostMs: 40 };
/** A loaded machine takes its time. */
const PATIENT = { timeout: 15_000 };
const DOORS = [['ws'], ['sse']] as const;

/** Events until one says so. */
async function eventsUntil(stream: AsyncIterable<Delivery>, last: (event: Event) => boolean): Promise<Event[]> {
  const events: Event[] = [];
  for await (const each of stream) {
    if (each.kind !== 'event') continue;
    events.push(each.event);
    if (last(each.event)) break;
  }
  return events;
}

const said = (events: readonly Event[]) => events.map(({ data }) => data.content);
const isLast = ({ data }: Event) => data.content === 'last';

test.each(DOORS)('by %s: what was, in order, then what comes', async (door) => {
  await using server = await quietNode();
  const kai = createClient({ url: server.url, agent: 'kai', doors: [door] });
  for (let i = 0; i < 200; i++) await server.post('ada', `${i}`);
  const stream = kai.subscribe({ after: 'earliest', filter: { types: ['message_posted'] } });
  const events = eventsUntil(stream, isLast);
  await kai.messages.send({ content: 'last' });
  expect(said(await events)).toEqual([...Array.from({ length: 200 }, (_, i) => `${i}`), 'last']);
});

test.each(DOORS)('by %s: the state first, then events without gap or duplicate', async (door) => {
  await using server = await quietNode();
  await server.post('ada', 'before');
  const kai = createClient({ url: server.url, agent: 'kai', doors: [door] });
  const stream = kai.subscribe({ snapshot: true });
  const { value } = await stream.next();
  expect(value).toMatchObject({ kind: 'snapshot', reason: 'start', state: { messages: [{ content: 'before' }] } });
  await kai.messages.send({ content: 'last' });
  const events = await eventsUntil(stream, isLast);
  expect(events[0]?.seq).toBe((value as { seq: number }).seq + 1);
});

test.each(DOORS)('by %s: what is private comes to its two ends alone, also where all is asked for', async (door) => {
  await using server = await quietNode();
  const named = (agent: string) => createClient({ url: server.url, agent, doors: [door] });
  const [kai, ada, eve] = [named('kai'), named('ada'), named('eve')];
  await ada.messages.send({ to: 'kai', content: 'between us' });
  await ada.messages.send({ content: 'last' });
  const options = { after: 'earliest', filter: { types: ['message_posted'] } };
  expect(said(await eventsUntil(kai.subscribe(options), isLast))).toEqual(['between us', 'last']);
  expect(said(await eventsUntil(eve.subscribe(options), isLast))).toEqual(['last']);
  const mine = { after: 'earliest', filter: { types: ['message_posted'], agent: 'kai' } };
  await ada.messages.send({ channel: 'elsewhere', content: 'not for kai' });
  await ada.messages.send({ content: '@kai last' });
  const addressed = await eventsUntil(kai.subscribe(mine), ({ data }) => data.content === '@kai last');
  expect(said(addressed)).toEqual(['between us', 'last', '@kai last']);
});

test.each(DOORS)(
  'by %s: a server that restarts under a subscriber loses and repeats nothing',
  async (door) => {
    using dir = temporaryDirectory();
    await using proxy = await openProxy();
    const env = { ALLOWED_HOSTS: `127.0.0.1:${proxy.port}` };
    const kai = createClient({ url: proxy.url, agent: 'kai', doors: [door], retry });
    const links: Link[] = [];
    const stream = kai.subscribe({
      after: 'earliest',
      filter: { types: ['message_posted'] },
      onLink: (link) => links.push(link),
    });
    const events = eventsUntil(stream, isLast);
    let n = 0;
    for (let life = 0; life < 4; life++) {
      await using server = await testNode({ dir: dir.path, env });
      proxy.target = server.port;
      for (let i = 0; i < 20; i++) await server.post('ada', `${n++}`);
      if (life === 1) await expect.poll(() => links.some(({ state }) => state === 'open'), PATIENT).toBe(true);
      // Once the connection is lost and the server is there, once both are.
      if (life === 2) proxy.cut();
      if (life === 3) await server.post('ada', 'last');
      if (life === 3) expect(said(await events)).toEqual([...Array.from({ length: 80 }, (_, i) => `${i}`), 'last']);
    }
    expect(links.some(({ state }) => state === 'lost')).toBe(true);
  },
  60_000,
);

test.each(DOORS)('by %s: a cursor of another journal is a fresh snapshot, and events go on from it', async (door) => {
  await using server = await quietNode();
  await server.post('ada', 'here');
  const kai = createClient({ url: server.url, agent: 'kai', doors: [door], retry });
  const stream = kai.subscribe({ after: 'aaaaaaaa-1' });
  const { value } = await stream.next();
  expect(value).toMatchObject({ kind: 'snapshot', reason: 'epoch', state: { messages: [{ content: 'here' }] } });
  await kai.messages.send({ content: 'last' });
  expect(said(await eventsUntil(stream, isLast)).at(-1)).toBe('last');
  const ahead = kai.subscribe({ after: 1_000_000 });
  expect((await ahead.next()).value).toMatchObject({ kind: 'snapshot', reason: 'ahead' });
  await ahead.return();
});

test('where no WebSocket comes through, events come as a stream of HTTP', async () => {
  await using server = await quietNode();
  const links: Link[] = [];
  const settings = { url: server.url, agent: 'kai', silenceMs: 5_000, pingMs: 5_000, timeoutMs: 5_000, retry };
  // A path that is no door of WebSockets.
  const open = (url: string, protocol: string) => new WebSocket(url.replace('/ws', '/health'), protocol) as never;
  const stream = new Subscription(
    { after: 'earliest', onLink: (link) => links.push(link) },
    {
      doors: [
        ['ws', wsDoor(settings, open)],
        ['sse', sseDoor(settings)],
      ],
      pause: retry,
      bounds: { deliveries: 100, characters: 1e6 },
    },
  );
  await server.post('ada', 'last');
  expect(said(await eventsUntil(stream, isLast))).toContain('last');
  expect(links.map(({ state, door }) => `${state} ${door}`).slice(0, 2)).toEqual(['lost ws', 'open sse']);
});

test.each(DOORS)('by %s: a reader that is behind holds a bounded queue, and misses nothing', async (door) => {
  await using server = await quietNode();
  await using proxy = await openProxy();
  proxy.target = server.port;
  for (let i = 0; i < 500; i++) await server.post('ada', `${i}`);
  const kai = createClient({ url: server.url, agent: 'kai', doors: [door], retry, bounds: { deliveries: 64 } });
  const stream = kai.subscribe({ after: 'earliest', filter: { types: ['message_posted'] } });
  const first = (await stream.next()).value as Delivery;
  // It hangs up by itself: the server writes into no queue.
  await expect.poll(() => server.node.kernel.feed.subscribers.get(door === 'ws' ? '/ws' : 'sse'), PATIENT).toBe(0);
  await server.post('ada', 'last');
  const events = await eventsUntil(stream, isLast);
  expect(first).toMatchObject({ kind: 'event', event: { data: { content: '0' } } });
  expect(said(events)).toEqual([...Array.from({ length: 499 }, (_, i) => `${i + 1}`), 'last']);
});

test('return() ends it at once, also while a delivery is waited for, and the server sees it go', async () => {
  await using server = await quietNode();
  for (const door of ['ws', 'sse'] as const) {
    const kai = createClient({ url: server.url, agent: 'kai', doors: [door] });
    const stream = kai.subscribe();
    expect((await stream.next()).value).toMatchObject({ kind: 'sync' });
    const waiting = stream.next();
    await stream.return();
    expect(await waiting).toEqual({ value: undefined, done: true });
    expect(await stream.next()).toEqual({ value: undefined, done: true });
    await expect.poll(() => server.node.kernel.feed.subscribers.get(door === 'ws' ? '/ws' : 'sse'), PATIENT).toBe(0);
  }
});

test('a signal ends it with its reason, before it began and while it waits', async () => {
  await using server = await quietNode();
  const kai = createClient({ url: server.url, agent: 'kai' });
  const stop = new AbortController();
  const stream = kai.subscribe({ signal: stop.signal });
  await stream.next();
  const waiting = stream.next();
  stop.abort(new Error('enough'));
  await expect(waiting).rejects.toThrow('enough');
  expect(await stream.next()).toEqual({ value: undefined, done: true });
  await expect(kai.subscribe({ signal: stop.signal }).next()).rejects.toThrow('enough');
});

test.each(DOORS)('by %s: what the server refuses is thrown, and not tried again', async (door) => {
  await using server = await quietNode();
  const kai = createClient({ url: server.url, agent: 'kai', doors: [door], retry });
  const refusal = await kai
    .subscribe({ after: 'not a cursor' })
    .next()
    .catch((error: unknown) => error);
  expect(refusal).toBeInstanceOf(ProblemError);
  expect(refusal).toMatchObject({ code: 'invalid_cursor' });
});

test('a name that no agent may have is told, though a WebSocket cannot say why it was refused', async () => {
  await using server = await quietNode();
  await expect(createClient({ url: server.url, agent: 'a b', retry }).subscribe().next()).rejects.toMatchObject({
    code: 'invalid_input',
  });
});

const event = (seq: number, content = `${seq}`) => ({
  seq,
  at: seq,
  type: 'message_posted',
  actor: 'ada',
  data: { content },
});

test('what comes twice is shown once, and a server that talks nonsense is left and asked again from the cursor', async () => {
  const nonsense = [
    'no JSON',
    '[]',
    'null',
    JSON.stringify({ type: 'events', sid: 's', events: 'x' }),
    JSON.stringify({ type: 'events', sid: 's', events: [null] }),
    JSON.stringify({ type: 'events', sid: 's', events: [{ ...event(9), seq: 'nine' }] }),
    JSON.stringify({ type: 'events', sid: 's', events: [{ ...event(9), data: null }] }),
    JSON.stringify({ type: 'sync', sid: 's', cursor: 17 }),
    JSON.stringify({ type: 'snapshot', sid: 's', cursor: 'x', state: {} }),
    JSON.stringify({ type: 'hello', epoch: 'again000' }),
    Buffer.from([1, 2, 3]),
  ];
  await using hub = await fakeHub((socket, frame, connection) => {
    if (frame.type !== 'subscribe') return;
    const send = (value: object) => socket.send(JSON.stringify(value));
    const first = connection + 1;
    send({ type: 'of a later version', sid: 's' });
    send({ type: 'events', sid: 'of another', events: [event(99)] });
    send({ type: 'events', sid: 's', events: [event(first), event(first), event(Math.max(1, first - 1))] });
    const next = nonsense[connection];
    if (next !== undefined) socket.send(next as string);
    else send({ type: 'events', sid: 's', events: [event(first + 1, 'last')] });
  });
  const stream = createClient({ url: hub.url, doors: ['ws'], retry }).subscribe({ after: 'earliest' });
  const events = await eventsUntil(stream, isLast);
  expect(events.map(({ seq }) => seq)).toEqual(Array.from({ length: nonsense.length + 2 }, (_, i) => i + 1));
  const cursors = hub.heard.map((frames) => frames.find(({ type }) => type === 'subscribe').after);
  expect(cursors).toEqual(['earliest', ...nonsense.map((_, i) => `test0000-${i + 1}`)]);
});

test.each([1001, 1006, 1011, 1012, 1013, 4430])('after close code %i it comes back with its cursor', async (code) => {
  await using hub = await fakeHub((socket, frame, connection) => {
    if (frame.type !== 'subscribe') return;
    socket.send(
      JSON.stringify({ type: 'events', sid: 's', events: [event(connection + 1, connection === 0 ? '' : 'last')] }),
    );
    if (connection === 0 && code === 1006) socket.terminate();
    else if (connection === 0) socket.close(code);
  });
  const stream = createClient({ url: hub.url, doors: ['ws'], retry }).subscribe();
  expect((await eventsUntil(stream, isLast)).map(({ seq }) => seq)).toEqual([1, 2]);
  expect(hub.heard[1]?.find(({ type }) => type === 'subscribe')).toMatchObject({ after: 'test0000-1' });
});

test.each([4400, 4401, 4403, 1008])('after close code %i it does not: what came is shown, then why', async (code) => {
  await using hub = await fakeHub((socket, frame) => {
    if (frame.type !== 'subscribe') return;
    socket.send(JSON.stringify({ type: 'events', sid: 's', events: [event(1)] }));
    socket.close(code, 'because');
  });
  const stream = createClient({ url: hub.url, doors: ['ws'], retry }).subscribe();
  expect((await stream.next()).value).toMatchObject({ kind: 'event' });
  await expect(stream.next()).rejects.toMatchObject({ name: 'ConnectionError', closeCode: code });
  expect(hub.sockets).toHaveLength(1);
});

test('a server that resets without end is not asked without end', async () => {
  await using hub = await fakeHub((socket, frame) => {
    if (frame.type === 'subscribe') socket.send(JSON.stringify({ type: 'reset', sid: 's', reason: 'epoch' }));
  });
  const stop = new AbortController();
  const waiting = createClient({ url: hub.url, doors: ['ws'], retry: { ...retry, firstMs: 200, mostMs: 200 } })
    .subscribe({ signal: stop.signal })
    .next();
  await expect.poll(() => hub.sockets.length, PATIENT).toBeGreaterThanOrEqual(2);
  expect(hub.heard[0]?.filter(({ type }) => type === 'subscribe').length).toBeLessThan(20);
  stop.abort(new Error('enough'));
  await expect(waiting).rejects.toThrow('enough');
});

test('a silent server is taken for dead; one that says goodbye is left alone for as long as it asks', async () => {
  const at: number[] = [];
  await using hub = await fakeHub((socket, frame, connection) => {
    if (frame.type !== 'subscribe') return;
    at.push(performance.now());
    if (connection === 0) return;
    if (connection > 1) return socket.send(JSON.stringify({ type: 'events', sid: 's', events: [event(1, 'last')] }));
    socket.send(JSON.stringify({ type: 'bye', reason: 'restart', retry_ms: 300 }));
    socket.close(1012);
  });
  const links: Link[] = [];
  const stream = createClient({ url: hub.url, doors: ['ws'], retry, silenceMs: 1_000 }).subscribe({
    onLink: (link) => links.push(link),
  });
  await eventsUntil(stream, isLast);
  expect((at[2] as number) - (at[1] as number)).toBeGreaterThanOrEqual(295);
  expect(String((links[1] as { cause: unknown }).cause)).toContain('silent');
});

test('the link tells how long an answer takes', async () => {
  await using server = await quietNode();
  const links: Link[] = [];
  const stream = createClient({ url: server.url, doors: ['ws'] }).subscribe({ onLink: (link) => links.push(link) });
  await stream.next();
  await expect.poll(() => links.length, PATIENT).toBe(2);
  expect(links[1]).toEqual({ state: 'open', door: 'ws', latencyMs: expect.any(Number) });
  await stream.return();
});

test('waitFor answers the first event that matches, after an answer that it misses nothing of', async () => {
  await using server = await quietNode();
  const kai = createClient({ url: server.url, agent: 'kai' });
  const { seq } = await kai.call('messages.send', { content: 'one' });
  await kai.messages.send({ content: 'two' });
  await kai.messages.send({ content: 'three' });
  const posted = { types: ['message_posted'], where: ({ data }: Event) => data.content === 'three' };
  expect((await kai.waitFor(posted, { after: seq, timeout: 5_000 })).data.content).toBe('three');
  expect((await kai.waitFor(({ data }) => data.content === 'two', { after: seq })).data.content).toBe('two');
  await expect(kai.waitFor({ types: ['task_created'] }, { timeout: 50 })).rejects.toMatchObject({
    name: 'TimeoutError',
  });
  await expect(kai.waitFor({}, { after: 'aaaaaaaa-1', timeout: 5_000 })).rejects.toThrow('epoch');
  await expect.poll(() => server.node.kernel.feed.subscribers.get('/ws'), PATIENT).toBe(0);
});
