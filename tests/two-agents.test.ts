import { expect, test } from 'vitest';
import { testNode } from './support/node.ts';
import { openStream } from './support/sse.ts';
import { openSocket } from './support/ws.ts';

test('what one agent posts over REST, the others see over SSE and both WebSockets, with one seq', async () => {
  await using server = await testNode();
  await using stream = await openStream(`${server.url}/events`);
  await using hub = await openSocket(`${server.url}/ws`, { protocol: 'reflectt.v1' });
  await using chat = await openSocket(`${server.url}/chat/ws`);
  expect((await hub.next()).type).toBe('hello');
  expect(await chat.next()).toEqual({ type: 'history', messages: [] });
  hub.send({ type: 'subscribe', sid: 'a', filter: { types: 'message_*' } });
  await hub.next((frame) => frame.type === 'sync');
  await stream.next((frame) => frame.event === 'sync');

  const posted = await server.post('link', 'hello');

  const { data } = await stream.next((frame) => frame.event === 'message_posted');
  expect(data).toMatchObject({ seq: posted.seq, actor: 'link', data: { content: 'hello' } });
  const { events } = await hub.next((frame) => frame.type === 'events');
  expect(events).toEqual([data]);
  expect(await chat.next()).toMatchObject({ type: 'message', message: { id: posted.id } });
});
