import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { World } from '../../src/kernel/options.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { type Json, type TestNode, testNode } from '../support/node.ts';
import { serverProcess } from '../support/process.ts';
import { rawSocket } from '../support/raw.ts';
import { openStream } from '../support/sse.ts';
import { openSocket } from '../support/ws.ts';

const IDLE = 300_000;
const OFFLINE = 900_000;

/** A clock that stands where the test puts it. */
function worldAt(time: number): World & { time: number } {
  let ids = 0;
  return {
    time,
    clock() {
      return this.time;
    },
    random: (n) => String(++ids).padStart(n, '0'),
  };
}

let server: TestNode;
let world: ReturnType<typeof worldAt>;
beforeEach(async () => {
  world = worldAt(1_780_000_000_000);
  server = await testNode({ world });
});
afterEach(() => server[Symbol.asyncDispose]());

const presenceOf = async (agent: string): Promise<Json> => (await server.get(`/presence/${agent}`)).body.presence;
const statusOf = async (agent: string) => (await presenceOf(agent))?.status ?? null;
const connectionsOf = async (agent: string) => (await presenceOf(agent))?.connections ?? 0;
const head = async () => (await server.get('/health')).body.journal.head;
// A page of events is as far as the disk when it is asked for: what is due is written down and waited for by another request.
const transitions = async (agent: string): Promise<string[]> =>
  (await server.get('/presence')) &&
  (await server.get(`/events?after=earliest&topics=presence&subjects=${agent}`)).body.events.map(
    ({ data }: Json) => data.status,
  );

describe('over REST', () => {
  test('an agent says how it is, and is shown as it says, in the shapes of the original', async () => {
    expect((await server.get('/presence/link')).body).toEqual({
      presence: null,
      message: 'No presence data for this agent',
    });
    const { body } = await server.send('POST', '/presence/link', { status: 'reviewing', task: 'PR 7' });
    const presence = {
      agent: 'link',
      status: 'reviewing',
      task: 'PR 7',
      since: world.time,
      lastUpdate: world.time,
      connections: 0,
      declared: true,
    };
    expect(body).toEqual({ success: true, presence });
    expect((await server.get('/presence/link')).body).toEqual({ presence });
    expect((await server.get('/presence')).body).toEqual({ presences: [presence] });
  });

  test('nobody says how another is', async () => {
    const answer = await server.send('POST', '/presence/link', { status: 'offline' }, { 'x-agent': 'mallory' });
    expect([answer.status, answer.body.code]).toEqual([403, 'actor_mismatch']);
    expect((await server.send('POST', '/presence/link/heartbeat', {}, { 'x-agent': 'mallory' })).status).toBe(403);
    expect(await presenceOf('link')).toBeNull();
  });

  test('only what changes is an event: many acts and heartbeats are one', async () => {
    for (let i = 0; i < 20; i++) await server.post('link', `${i}`);
    const before = await head();
    for (let i = 0; i < 20; i++) await server.send('POST', '/presence/link/heartbeat');
    expect(await head()).toBe(before);
    world.time += 7_000;
    const beat = await server.send('POST', '/presence/link/heartbeat');
    expect(beat.body).toMatchObject({ success: true, presence: { status: 'working', lastUpdate: world.time } });
    expect(await head()).toBe(before);
    expect(await transitions('link')).toEqual(['working']);
  });

  test('time makes idle and then offline, also where nobody acts; /health counts them', async () => {
    await server.post('link', 'x');
    await server.send('POST', '/presence/kai', { status: 'blocked' });
    world.time += IDLE;
    expect([await statusOf('link'), await statusOf('kai')]).toEqual(['idle', 'idle']);
    await server.send('POST', '/presence/kai/heartbeat');
    world.time += OFFLINE - IDLE;
    expect([await statusOf('link'), await statusOf('kai')]).toEqual(['offline', 'idle']);
    expect((await server.get('/health')).body.presence).toEqual({
      idle: 1,
      working: 0,
      reviewing: 0,
      blocked: 0,
      waiting: 0,
      offline: 1,
    });
    expect(await transitions('link')).toEqual(['working', 'idle', 'offline']);
  });

  test('the heartbeat of the original is a sign of life, and asking how another is, is none', async () => {
    await server.get('/heartbeat/link');
    expect(await statusOf('link')).toBe('idle');
    await server.get('/presence/link', { 'x-agent': 'kai' });
    expect(await presenceOf('kai')).toBeNull();
  });
});

describe('a stream that names its agent', () => {
  const doors: [string, (agent: string) => Promise<AsyncDisposable>][] = [
    ['/events', (agent) => openStream(`${server.url}/events?agent=${agent}`)],
    ['/events/subscribe', (agent) => openStream(`${server.url}/events/subscribe`, { 'x-agent': agent })],
    ['/ws', (agent) => openSocket(`${server.url}/ws?agent=${agent}`)],
    ['/chat/ws', (agent) => openSocket(`${server.url}/chat/ws`, { headers: { 'x-agent': agent } })],
  ];

  test.each(doors)(
    'on %s shows that it is here for as long as it is open, and a while after it is torn',
    async (_, open) => {
      const [one, two] = [await open('link'), await open('link')];
      expect(await presenceOf('link')).toMatchObject({ status: 'idle', connections: 2 });
      world.time += 10 * OFFLINE;
      expect(await presenceOf('link')).toMatchObject({ status: 'idle', connections: 2 });
      await one[Symbol.asyncDispose]();
      await expect.poll(() => connectionsOf('link')).toBe(1);
      await two[Symbol.asyncDispose]();
      await expect.poll(() => connectionsOf('link')).toBe(0);
      world.time += OFFLINE - 1;
      expect(await statusOf('link')).toBe('idle');
      world.time += 1;
      expect(await statusOf('link')).toBe('offline');
      expect(await transitions('link')).toEqual(['idle', 'offline']);
    },
  );

  test('that names nobody, is nobody', async () => {
    await using _ = await openSocket(`${server.url}/ws`);
    await using __ = await openStream(`${server.url}/events`);
    expect((await server.get('/presence')).body.presences).toEqual([]);
  });

  test.each([
    ['1000', (socket: Json) => socket.close(1000), 'offline'],
    ['no code', (socket: Json) => socket.close(), 'offline'],
    ['1001, as a page that is left', (socket: Json) => socket.close(1001), 'working'],
    ['nothing said', (socket: Json) => socket.terminate(), 'working'],
  ])('and is closed with %s', async (_, close, status) => {
    await using hub = await openSocket(`${server.url}/ws?agent=link`);
    await using other = await openSocket(`${server.url}/chat/ws?agent=link`);
    await server.post('link', 'x');
    close(other.socket);
    await expect.poll(() => connectionsOf('link')).toBe(1);
    expect(await statusOf('link')).toBe('working');
    close(hub.socket);
    await expect.poll(() => connectionsOf('link')).toBe(0);
    expect(await statusOf('link')).toBe(status);
  });

  test('says goodbye by a call as well, until it is heard again', async () => {
    await using hub = await openSocket(`${server.url}/ws?agent=link`);
    const call = async (op: string, input: object = {}) => {
      hub.send({ type: 'call', id: op, op, input });
      return (await hub.next(({ type, id }) => type === 'result' && id === op)).result;
    };
    expect((await call('presence.declare', { status: 'offline' })).presence).toMatchObject({
      status: 'offline',
      connections: 1,
    });
    expect(await statusOf('link')).toBe('offline');
    expect((await call('presence.heartbeat')).presence.status).toBe('idle');
    expect(await transitions('link')).toEqual(['idle', 'offline', 'idle']);
  });
});

describe('a request that waits', () => {
  test.each(['/tasks/next?wait=30', '/events?wait=30', '/wait/link?timeout=30'])('on %s', async (path) => {
    const answer = server.get(path, { 'x-agent': 'link' });
    await expect.poll(() => presenceOf('link')).toMatchObject({ status: 'waiting', waiting: 1 });
    world.time += OFFLINE;
    expect(await statusOf('link')).toBe('waiting');
    await server.post('kai', 'here', { to: 'link' });
    if (path.startsWith('/tasks')) await server.send('POST', '/tasks', { title: 'x', createdBy: 'kai' });
    expect((await answer).status).toBe(200);
    await expect.poll(() => presenceOf('link')).toMatchObject({ status: 'waiting' });
    expect((await presenceOf('link')).waiting).toBeUndefined();
    world.time += 10_000;
    expect(await statusOf('link')).toBe('idle');
    expect(await transitions('link')).toEqual(['waiting', 'idle']);
  });

  test('and finds something at once, has not waited', async () => {
    await server.send('POST', '/tasks', { title: 'x', createdBy: 'kai' });
    await server.get('/tasks/next?wait=30', { 'x-agent': 'link' });
    expect(await statusOf('link')).toBe('idle');
  });

  test('ends with its caller', async () => {
    const caller = new AbortController();
    const gone = fetch(`${server.url}/tasks/next?agent=link&wait=30`, { signal: caller.signal }).catch(() => {});
    await expect.poll(() => presenceOf('link')).toMatchObject({ waiting: 1 });
    caller.abort();
    await gone;
    await expect.poll(async () => (await presenceOf('link')).waiting).toBeUndefined();
  });

  test('for work and is given some, is work', async () => {
    const answer = server.send('POST', '/tasks/next', { agent: 'link', claim: true, wait: 30 });
    await expect.poll(() => statusOf('link')).toBe('waiting');
    const { id } = (await server.send('POST', '/tasks', { title: 'x', createdBy: 'kai' })).body.task;
    expect((await answer).body.task.id).toBe(id);
    expect(await presenceOf('link')).toMatchObject({ status: 'working', task: id });
  });
});

describe('heartbeats on streams', () => {
  const beat = (agent: string) => server.send('POST', `/presence/${agent}/heartbeat`);

  test('come to those who ask for what is not kept, without a place in the order, and to nobody else', async () => {
    for (const agent of ['link', 'kai', 'link']) await beat(agent);
    const before = await head();
    await using whole = await openStream(`${server.url}/events?ephemeral=1`);
    await using data = await openStream(`${server.url}/events/subscribe?ephemeral=1`);
    await using without = await openStream(`${server.url}/events`);
    await using others = await openStream(`${server.url}/events?ephemeral=1&types=message_*`);
    await using hub = await openSocket(`${server.url}/ws`);
    hub.send({ type: 'subscribe', sid: 'all', ephemeral: true });
    hub.send({ type: 'subscribe', sid: 'kai', ephemeral: true, filter: { subjects: 'kai' } });
    hub.send({ type: 'subscribe', sid: 'none' });
    for (const sid of ['all', 'kai', 'none']) await hub.next((frame) => frame.type === 'sync' && frame.sid === sid);
    world.time += 1_000;
    for (const agent of ['link', 'kai', 'link', 'link']) await beat(agent);
    world.time += 1_000;
    await beat('link');

    const presence = {
      agent: 'link',
      status: 'idle',
      since: world.time - 2_000,
      lastUpdate: world.time,
      connections: 0,
    };
    const event = { at: world.time, type: 'presence_heartbeat', actor: 'link', subject: 'link', data: presence };
    const isBeat = (subject: string) => (frame: Json) =>
      frame.event === 'presence_heartbeat' && (frame.data.subject ?? frame.data.agent) === subject;
    const last = async (stream: typeof whole, subject: string) => {
      let frame = await stream.next(isBeat(subject));
      const lastUpdate = () => (frame.data.data ?? frame.data).lastUpdate;
      while (subject === 'link' && lastUpdate() < world.time) frame = await stream.next(isBeat(subject));
      return { data: frame.data, id: frame.id };
    };
    expect(await last(whole, 'link')).toEqual({ data: event, id: undefined });
    expect(await last(data, 'link')).toEqual({ data: presence, id: undefined });
    const shown = () => hub.frames.filter(({ type }) => type === 'ephemeral');
    await expect.poll(() => shown().map(({ sid }) => sid)).toEqual(expect.arrayContaining(['all', 'kai']));
    await expect.poll(() => shown().findLast(({ sid }) => sid === 'all').events).toContainEqual(event);
    const mine = shown()
      .filter(({ sid }) => sid === 'kai')
      .flatMap(({ events }) => events);
    expect(mine.map(({ subject }) => subject)).toEqual(['kai']);
    expect(shown().some(({ sid }) => sid === 'none')).toBe(false);

    // What is kept goes on; nothing of a heartbeat came before it.
    const { seq } = await server.post('ada', 'kept');
    for (const stream of [without, others]) {
      const first = await stream.next(({ event }) => event !== 'connected' && event !== 'sync');
      expect([first.event, first.data.seq]).toEqual(['message_posted', seq]);
    }
    expect(seq).toBe(before + 1);
  });

  test('of one agent are shown once in a moment, the last of them', async () => {
    await using stream = await openStream(`${server.url}/events?ephemeral=1&topics=presence`);
    await Promise.all(Array.from({ length: 50 }, () => beat('link')));
    await beat('kai');
    let n = 0;
    for (;;) {
      const { event, data } = await stream.next(({ event }) => event === 'presence_heartbeat');
      expect(event).toBe('presence_heartbeat');
      if (data.subject === 'kai') break;
      n++;
    }
    expect(n).toBeGreaterThan(0);
    expect(n).toBeLessThan(50);
  });

  test('do not keep a quiet stream from telling how far it is', async () => {
    await using quick = await testNode({ streams: { idleMs: 250, tickMs: 20 } });
    await using stream = await openStream(`${quick.url}/events?ephemeral=1`);
    await stream.next(({ event }) => event === 'sync');
    let beating = true;
    const beats = (async () => {
      while (beating) await quick.send('POST', '/presence/link/heartbeat');
    })();
    let between = 0;
    try {
      await stream.next(({ event }) => {
        if (event === 'presence_heartbeat') between++;
        return event === 'sync' && between > 2;
      }, 10_000);
    } finally {
      beating = false;
      await beats;
    }
  });

  test('pass by a reader of SSE that does not keep up', async () => {
    await using socket = await rawSocket(server.port);
    const chunks: Buffer[] = [];
    socket.on('data', (chunk: Buffer) => chunks.push(chunk));
    socket.write(
      `GET /events?ephemeral=1 HTTP/1.1\r\nHost: 127.0.0.1:${server.port}\r\nAccept: text/event-stream\r\n\r\n`,
    );
    await passBy(socket, () => Buffer.concat(chunks).toString());
  });

  test('pass by a reader of /ws that does not keep up', async () => {
    await using hub = await openSocket(`${server.url}/ws`);
    hub.send({ type: 'subscribe', sid: 'a', ephemeral: true });
    await passBy(hub.socket, () => JSON.stringify(hub.frames));
  });

  /** A reader is stopped under a load and goes on: what is kept comes, and no heartbeat of the time between. */
  async function passBy(reader: { pause(): void; resume(): void }, text: () => string): Promise<void> {
    const isShown = (agent: string) => text().includes(`"type":"presence_heartbeat","actor":"${agent}"`);
    await expect.poll(text).toContain('sync');
    await beat('early');
    await expect.poll(() => isShown('early')).toBe(true);
    reader.pause();
    const n = 120;
    for (let i = 0; i < n; i++) await server.post('link', `${'x'.repeat(100_000)}#${i}#`);
    await using witness = await openStream(`${server.url}/events?ephemeral=1`);
    await beat('late');
    await witness.next(({ event, data }) => event === 'presence_heartbeat' && data.subject === 'late');
    reader.resume();
    await expect.poll(() => [...text().matchAll(/#(\d+)#/g)].length, { timeout: 20_000 }).toBe(n);
    await beat('last');
    await expect.poll(() => isShown('last')).toBe(true);
    expect(isShown('late')).toBe(false);
  }
});

test('a transition is written and shown though nobody calls', async () => {
  await using soon = await testNode({ env: { PRESENCE_IDLE_SECONDS: '1', PRESENCE_OFFLINE_SECONDS: '2' } });
  await using stream = await openStream(`${soon.url}/events/subscribe?topics=presence`);
  await soon.post('link', 'x');
  for (const status of ['working', 'idle', 'offline'])
    expect((await stream.next(({ event }) => event === 'presence_updated', 10_000)).data.status).toBe(status);
});

describe('after a restart', () => {
  const env = { PRESENCE_IDLE_SECONDS: '60', PRESENCE_OFFLINE_SECONDS: '2' };

  test.each(['SIGTERM', 'SIGKILL'] as const)(
    'by %s presence is what the evidence says',
    async (signal) => {
      using dir = temporaryDirectory();
      const ask = async (url: string, path: string) => (await (await fetch(url + path)).json()) as Json;
      const send = async (url: string, path: string, body: object) =>
        (await (
          await fetch(url + path, {
            method: 'POST',
            headers: { 'content-type': 'application/json' },
            body: JSON.stringify(body),
          })
        ).json()) as Json;
      const all = async (url: string) =>
        Object.fromEntries((await ask(url, '/presence')).presences.map((each: Json) => [each.agent, each]));
      let id: string;
      {
        await using before = await serverProcess({ dir: dir.path, env });
        await using _ = await openSocket(`${before.url}/ws?agent=streams`);
        id = (await send(before.url, '/tasks', { title: 'x', createdBy: 'gone' })).task.id;
        await send(before.url, `/tasks/${id}/claim`, { agent: 'holds' });
        await send(before.url, '/presence/gone', { status: 'offline' });
        expect(await all(before.url)).toMatchObject({
          streams: { status: 'idle', connections: 1 },
          holds: { status: 'working', task: id },
          gone: { status: 'offline' },
        });
        await before.end(signal);
      }
      await using after = await serverProcess({ dir: dir.path, env });
      expect(await all(after.url)).toMatchObject({
        streams: { status: 'idle', connections: 0 },
        holds: { status: 'working', task: id, connections: 0 },
        gone: { status: 'offline' },
      });
      await expect.poll(async () => (await all(after.url)).streams.status, { timeout: 10_000 }).toBe('offline');
      expect(await all(after.url)).toMatchObject({ holds: { status: 'working' }, gone: { status: 'offline' } });
    },
    30_000,
  );
});
