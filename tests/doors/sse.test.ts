import { describe, expect, test } from 'vitest';
import { temporaryDirectory } from '../support/directory.ts';
import { quietNode } from '../support/node.ts';
import { raw, rawSocket, request } from '../support/raw.ts';
import { openStream } from '../support/sse.ts';

test('the stream begins with retry and connected, and frames have the bytes of the contract', async () => {
  await using server = await quietNode();
  const posted = await server.post('link', 'line\nbreak\r\n\u2028');
  const { body } = await server.get('/events?after=0');
  for (const [path, data] of [
    ['/events/subscribe', body.events[0].data],
    ['/events', body.events[0]],
  ]) {
    const { text } = await raw(
      server.port,
      `GET ${path}?after=0 HTTP/1.1\r\nHost: 127.0.0.1:${server.port}\r\nAccept: text/event-stream\r\n\r\n`,
      300,
    );
    const [head = ''] = text.split('\r\n\r\n');
    expect(head).toMatch(/^HTTP\/1.1 200 OK/);
    expect(head).toContain('content-type: text/event-stream; charset=utf-8');
    expect(head).toMatch(/cache-control: no-cache/);
    const chunks = text.slice(head.length + 4).split('\r\n');
    const stream = chunks.filter((_, i) => i % 2 === 1).join('');
    const epoch = server.node.kernel.feed.epoch;
    expect(stream).toBe(
      [
        `retry: 1000\nevent: connected\ndata: ${JSON.stringify({ epoch, cursor: `${epoch}-0`, head: `${epoch}-1` })}\nid: ${epoch}-0\n\n`,
        `event: message_posted\ndata: ${JSON.stringify(data)}\nid: ${epoch}-${posted.seq}\n\n`,
        `event: sync\ndata: ${JSON.stringify({ cursor: `${epoch}-1`, up_to_date: true, count: 1 })}\nid: ${epoch}-1\n\n`,
      ].join(''),
    );
  }
});

test('Last-Event-ID wins over after, and a stream without either begins now', async () => {
  await using server = await quietNode();
  for (let i = 0; i < 3; i++) await server.post('link', `${i}`);
  await using resumed = await openStream(`${server.url}/events?after=0`, { 'last-event-id': '2' });
  expect((await resumed.next(({ event }) => event === 'message_posted')).data.seq).toBe(3);
  await using fresh = await openStream(`${server.url}/events/subscribe`);
  await fresh.next(({ event }) => event === 'sync');
  const { id } = await server.post('link', 'new');
  expect((await fresh.next(({ event }) => event === 'message_posted')).data.id).toBe(id);
});

test('a stream resumed after a restart goes on without a gap or a duplicate', async () => {
  using directory = temporaryDirectory();
  const seen: number[] = [];
  let cursor = '0';
  for (let life = 0; life < 3; life++) {
    await using server = await quietNode({ dir: directory.path });
    for (let i = 0; i < 5; i++) await server.post('link', `${life}.${i}`);
    await using stream = await openStream(`${server.url}/events`, { 'last-event-id': cursor });
    // It goes away in the middle; the next life gets the rest.
    for (let i = 0; i < (life === 2 ? 9 : 3); i++) {
      const frame = await stream.next(({ event }) => event === 'message_posted');
      seen.push(frame.data.seq);
      cursor = frame.id as string;
    }
  }
  expect(seen).toEqual(Array.from({ length: 15 }, (_, i) => i + 1));
});

describe('sync', () => {
  test('comes when the stream has caught up, and again when it is quiet, with the cursor as id and data', async () => {
    await using server = await quietNode({ streams: { idleMs: 50, tickMs: 20 } });
    await server.post('link', 'x');
    await using stream = await openStream(`${server.url}/events?after=0&types=channel_*`);
    const first = await stream.next(({ event }) => event === 'sync');
    expect(first.data).toEqual({ cursor: expect.stringMatching(/-1$/), up_to_date: true, count: 0 });
    expect(first.id).toBe(first.data.cursor);
    await server.post('link', 'does not match');
    const later = await stream.next(({ event, id }) => event === 'sync' && id !== first.id);
    expect(later.data.cursor).toMatch(/-2$/);
  });

  test('comes after a thousand events that do not match', async () => {
    await using server = await quietNode();
    await Promise.all(Array.from({ length: 1_500 }, (_, i) => server.post('link', `${i}`)));
    await using stream = await openStream(`${server.url}/events?after=0&types=none`);
    const frame = await stream.next(({ event }) => event === 'sync');
    expect(Number(frame.id?.split('-')[1])).toBeGreaterThanOrEqual(1_000);
  });
});

test.each([
  ['Last-Event-ID', 'zzzzzzzz-5', 'epoch'],
  ['Last-Event-ID', '999', 'ahead'],
  ['Last-Event-ID', 'what is this', 'invalid'],
  ['after', 'zzzzzzzz-5', 'epoch'],
  ['after', '999', 'ahead'],
])('a %s of %s is told in the stream, which then ends without an id', async (where, cursor, reason) => {
  await using server = await quietNode();
  const after = where === 'after' ? `?after=${cursor}` : '';
  await using stream = await openStream(
    `${server.url}/events${after}`,
    where === 'after' ? {} : { 'last-event-id': cursor },
  );
  const connected = await stream.next();
  expect([connected.event, connected.id]).toEqual(['connected', undefined]);
  const reset = await stream.next();
  expect(reset.event).toBe('reset');
  expect(reset.id).toBeUndefined();
  expect(reset.data).toEqual({
    reason,
    earliest: expect.stringMatching(/-0$/),
    head: expect.stringMatching(/-0$/),
    snapshot: '/snapshot',
  });
  await expect(stream.next()).rejects.toThrow('ended');
});

test('too many streams are told in the stream, for a browser never comes back after another status', async () => {
  await using server = await quietNode({ env: { MAX_STREAMS: '1' } });
  await using _ = await openStream(`${server.url}/events`);
  await using second = await openStream(`${server.url}/events/subscribe`);
  const bye = await second.next();
  expect(bye).toMatchObject({ event: 'bye', data: { reason: 'overloaded', retry_ms: 5_000 } });
  expect(bye.raw).toMatch(/^retry: 5000\n/);
  await expect(second.next()).rejects.toThrow('ended');
});

describe('batchMs', () => {
  test('sends several events as one batch within a true maximum wait, however many keep coming', async () => {
    await using server = await quietNode();
    await using stream = await openStream(`${server.url}/events/subscribe?batchMs=150`);
    await stream.next(({ event }) => event === 'sync');
    const began = performance.now();
    const first = await server.post('link', '0');
    // Posts come faster than the window: a window that each of them prolongs would never end.
    let posting = true;
    const others = (async () => {
      while (posting) await server.post('link', 'more');
    })();
    const batch = await stream.next();
    expect(performance.now() - began).toBeLessThan(600);
    posting = false;
    await others;
    expect(batch.event).toBe('batch');
    expect(batch.data[0]).toEqual({
      id: expect.stringMatching(new RegExp(`-${first.seq}$`)),
      type: 'message_posted',
      timestamp: first.timestamp,
      data: expect.objectContaining({ id: first.id, content: '0' }),
    });
    expect(batch.id).toBe(batch.data.at(-1).id);
  });

  test('sends one event as itself, and loses none', async () => {
    await using server = await quietNode();
    await using stream = await openStream(`${server.url}/events/subscribe?batchMs=40`);
    await stream.next(({ event }) => event === 'sync');
    await server.post('link', 'alone');
    expect((await stream.next()).event).toBe('message_posted');
    await Promise.all(Array.from({ length: 700 }, (_, i) => server.post('link', `${i}`)));
    let count = 0;
    while (count < 700) {
      const frame = await stream.next();
      count += frame.event === 'batch' ? frame.data.length : frame.event === 'message_posted' ? 1 : 0;
    }
    expect(count).toBe(700);
  });

  test('is set for all streams that begin later by /events/config, which survives a restart', async () => {
    using directory = temporaryDirectory();
    {
      await using server = await quietNode({ dir: directory.path });
      expect((await server.get('/events/config')).body).toEqual({ batchWindowMs: 0 });
      expect((await server.send('POST', '/events/config', { batchWindowMs: 60 })).body).toEqual({
        success: true,
        batchWindowMs: 60,
      });
      for (const batchWindowMs of [-1, 60_001, 'x', undefined])
        expect((await server.send('POST', '/events/config', { batchWindowMs })).status).toBe(400);
    }
    await using server = await quietNode({ dir: directory.path });
    expect((await server.get('/events/config')).body).toEqual({ batchWindowMs: 60 });
    await using stream = await openStream(`${server.url}/events/subscribe`);
    await stream.next(({ event }) => event === 'sync');
    await Promise.all([server.post('a', '1'), server.post('a', '2'), server.post('a', '3')]);
    expect((await stream.next()).event).toBe('batch');
    await using own = await openStream(`${server.url}/events/subscribe?batchMs=0`);
    await own.next(({ event }) => event === 'sync');
    await server.post('a', '4');
    expect((await own.next()).event).toBe('message_posted');
  });
});

test.each(['shutdown', 'restart'] as const)('%s says bye, and the process lets go in time', async (reason) => {
  await using server = await quietNode();
  await using stream = await openStream(`${server.url}/events`);
  await using held = await openStream(`${server.url}/events/subscribe?batchMs=5000`);
  await stream.next(({ event }) => event === 'sync');
  await held.next(({ event }) => event === 'sync');
  await server.post('link', 'held back');
  await stream.next(({ event }) => event === 'message_posted');
  const began = performance.now();
  const closed = server.node.close(reason);
  expect((await stream.next()).data).toEqual({ reason, retry_ms: 1_000 });
  await expect(stream.next()).rejects.toThrow('ended');
  // What was held back for a batch goes out before.
  expect((await held.next()).event).toBe('message_posted');
  expect((await held.next()).event).toBe('bye');
  await closed;
  expect(performance.now() - began).toBeLessThan(2_000);
});

test('/events/status counts open streams and lets go of closed ones', async () => {
  await using server = await quietNode();
  const connected = async () => (await server.get('/events/status')).body.connected as number;
  const status = (await server.get('/events/status')).body;
  expect(status).toMatchObject({ connected: 0, head: expect.stringMatching(/-0$/), batchWindowMs: 0 });
  {
    await using _ = await openStream(`${server.url}/events`);
    await using __ = await openStream(`${server.url}/events/subscribe`);
    expect(await connected()).toBe(2);
    expect((await server.get('/health')).body.chat.subscribers).toBe(2);
  }
  await expect.poll(connected).toBe(0);
});

test('a client that goes away in the middle of its request head costs nothing', async () => {
  await using server = await quietNode();
  for (let i = 0; i < 20; i++) {
    await using socket = await rawSocket(server.port);
    socket.write(request('GET /events/subscribe', [`Host: 127.0.0.1:${server.port}`]));
    socket.resetAndDestroy();
  }
  await expect.poll(async () => (await server.get('/events/status')).body.connected).toBe(0);
});
