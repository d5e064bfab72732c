import { expect, test } from 'vitest';
import { quietNode } from '../support/node.ts';
import { rawSocket, request } from '../support/raw.ts';
import { openStream } from '../support/sse.ts';
import { openSocket } from '../support/ws.ts';

test('streams whose readers stop are ended after the stall time; the others lose nothing', async () => {
  await using server = await quietNode({ streams: { stallMs: 300, tickMs: 50 } });
  const stopped = [];
  for (let i = 0; i < 5; i++) {
    const socket = await rawSocket(server.port);
    socket.pause();
    socket.write(
      request('GET /events?after=0', [`Host: 127.0.0.1:${server.port}`, 'Accept: text/event-stream']).replace(
        'Connection: close\r\n',
        '',
      ),
    );
    stopped.push(socket);
  }
  await using sse = await openStream(`${server.url}/events?after=0`);
  await using hub = await openSocket(`${server.url}/ws`);
  hub.send({ type: 'subscribe', sid: 'a', after: 0 });
  const connected = async () => (await server.get('/events/status')).body.connections.sse as number;
  await expect.poll(connected).toBe(6);

  const n = 150;
  const content = 'x'.repeat(100_000);
  const posting = (async () => {
    for (let i = 0; i < n; i++) await server.post('link', content);
  })();
  const seen: number[] = [];
  while (seen.length < n) seen.push((await sse.next(({ event }) => event === 'message_posted', 10_000)).data.seq);
  expect(seen).toEqual(Array.from({ length: n }, (_, i) => i + 1));
  await posting;
  const overSocket = () =>
    hub.frames
      .filter(({ type }) => type === 'events')
      .flatMap(({ events }) => events.map(({ seq }: { seq: number }) => seq));
  await expect.poll(() => overSocket().length, { timeout: 5_000 }).toBe(n);
  expect(overSocket()).toEqual(seen);

  await expect.poll(connected, { timeout: 5_000 }).toBe(1);
  for (const socket of stopped) socket.destroy();
  // Who reads has not been taken for somebody who does not.
  await server.post('link', 'still here');
  await sse.next(({ data }) => data?.data?.content === 'still here');
});

test('a slow reader that comes back in time gets everything', async () => {
  await using server = await quietNode({ streams: { stallMs: 5_000, tickMs: 50 } });
  await using socket = await rawSocket(server.port);
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  socket.pause();
  socket.write(`GET /events/subscribe?after=0 HTTP/1.1\r\nHost: 127.0.0.1:${server.port}\r\n\r\n`);
  const n = 120;
  for (let i = 0; i < n; i++) await server.post('link', `${'x'.repeat(100_000)}#${i}#`);
  const slow = async () => (await server.get('/events/status')).body.slow as number;
  await expect.poll(slow, { timeout: 10_000 }).toBe(1);
  socket.resume();
  const seen = () =>
    [
      ...Buffer.concat(chunks)
        .toString()
        .matchAll(/#(\d+)#/g),
    ].map(([, i]) => Number(i));
  await expect.poll(() => seen().length, { timeout: 10_000 }).toBe(n);
  expect(seen()).toEqual(Array.from({ length: n }, (_, i) => i));
  await expect.poll(slow, { timeout: 10_000 }).toBe(0);
});
