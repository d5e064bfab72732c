import { expect, test } from 'vitest';
import { temporaryDirectory } from '../support/directory.ts';
import { testNode } from '../support/node.ts';
import { openSocket } from '../support/ws.ts';

test('what was begun is answered before the server closes, and is there after it', async () => {
  using directory = temporaryDirectory();
  const n = 20;
  const server = await testNode({ dir: directory.path });
  let begun = 0;
  const closed = new Promise<void>((resolve, reject) => {
    server.node.app.server.on('request', () => {
      begun++;
      if (begun === n) server.node.close().then(resolve, reject);
    });
  });
  const answers = await Promise.all(
    Array.from({ length: n }, (_, i) => server.send('POST', '/chat/messages', { from: 'link', content: `${i}` })),
  );
  await closed;
  expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
  await using again = await testNode({ dir: directory.path });
  expect((await again.get('/chat/messages')).body.messages).toHaveLength(n);
});

test('the server closes in time with every kind of connection open, and closes once however often it is told', async () => {
  const server = await testNode();
  await using hub = await openSocket(`${server.url}/ws`);
  await using _ = await openSocket(`${server.url}/chat/ws`);
  hub.send({ type: 'call', id: 1, op: 'events.list', input: { wait: 60 } });
  hub.send({ type: 'ping' });
  await hub.next(({ type }) => type === 'pong');
  const stream = fetch(`${server.url}/events/subscribe`).then((response) => response.text());
  const waiting = server.get('/events?wait=60');
  await expect.poll(() => server.node.kernel.feed.subscribers.get('sse')).toBe(1);
  const began = performance.now();
  await Promise.all([server.node.close(), server.node.close('restart'), server[Symbol.asyncDispose]()]);
  expect(performance.now() - began).toBeLessThan(2_000);
  expect(await stream).toMatch(/event: bye\ndata: {"reason":"(shutdown|restart)","retry_ms":1000}\n\n$/);
  // It was answered, or had not come in yet when the server closed.
  await waiting.then(
    ({ status }) => expect([200, 503]).toContain(status),
    () => {},
  );
  await expect(fetch(`${server.url}/health`)).rejects.toThrow();
});
