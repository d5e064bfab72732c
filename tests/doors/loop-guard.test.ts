import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { temporaryDirectory } from '../support/directory.ts';
import { type Answer, type Json, type TestNode, testNode } from '../support/node.ts';
import { serverProcess } from '../support/process.ts';
import { openStream } from '../support/sse.ts';
import { openSocket } from '../support/ws.ts';

const NAMES = ['kai', 'pixel'] as const;

/** Two agents that answer each other, until one is refused or both have said so much. */
async function talk(server: TestNode, most: number, more: object = {}): Promise<Answer | undefined> {
  for (let i = 0; i < most; i++) {
    const [from, to] = i % 2 ? [NAMES[1], NAMES[0]] : NAMES;
    const answer = await server.send('POST', '/chat/messages', { from, to, content: `${i}`, ...more });
    if (answer.status !== 200) return answer;
  }
  return undefined;
}

async function detected(url: string): Promise<Json[]> {
  const response = await fetch(`${url}/events?after=earliest&types=loop_detected`);
  return ((await response.json()) as Json).events;
}

test('two agents that loop are told to wait, people are told once, and nothing was posted that was not acknowledged', async () => {
  await using server = await testNode();
  await using stream = await openStream(`${server.url}/events?after=now&types=loop_detected`);
  await stream.next(({ event }) => event === 'sync');
  expect(await talk(server, 22)).toBeUndefined();
  const refused = await talk(server, 1);
  expect(refused).toMatchObject({ status: 429, body: { code: 'loop_guard', agents: ['kai', 'pixel'], exchanges: 21 } });
  const seconds = Number(refused?.headers.get('retry-after'));
  expect(seconds).toBeGreaterThan(30);
  expect(seconds).toBeLessThanOrEqual(60);
  const { data } = await stream.next(({ event }) => event === 'loop_detected');
  expect(data.data).toEqual({ channel: 'dm:kai:pixel', agents: ['kai', 'pixel'], exchanges: 21, seconds: 60 });
  for (let i = 0; i < 5; i++) expect((await talk(server, 1))?.status).toBe(429);
  expect(await detected(server.url)).toHaveLength(1);
  expect((await server.get('/chat/messages?channel=dm:kai:pixel&agent=kai')).body.messages).toHaveLength(22);
  // The same two elsewhere, and others, go on.
  for (const body of [
    { from: 'kai', content: 'Done.' },
    { from: 'kai', to: 'nova', content: 'x' },
  ])
    expect((await server.send('POST', '/chat/messages', body)).status).toBe(200);
});

test('a person who speaks in the thread lets them go on, over /ws and for comments on a task too', async () => {
  await using server = await testNode();
  await server.send('PUT', '/agents/ada', { kind: 'human' });
  const { task } = (await server.send('POST', '/tasks', { title: 'A', createdBy: 'ada' })).body;
  const comment = (author: string) =>
    server.send('POST', `/tasks/${task.id}/comments`, { author, content: 'And now?' });
  for (let i = 0; i < 22; i++) expect((await comment(NAMES[i % 2] as string)).status).toBe(200);
  expect((await comment('kai')).body.code).toBe('loop_guard');
  await using hub = await openSocket(`${server.url}/ws?agent=kai`);
  const input = { channel: `task:${task.id}`, content: 'x' };
  hub.send({ type: 'call', id: 1, op: 'messages.send', input });
  expect(await hub.next(({ type }) => type === 'result')).toMatchObject({
    ok: false,
    code: 'loop_guard',
    retryAfter: expect.any(Number),
  });
  expect((await comment('ada')).status).toBe(200);
  hub.send({ type: 'call', id: 2, op: 'messages.send', input });
  expect(await hub.next(({ type }) => type === 'result')).toMatchObject({ ok: true });
});

test('how much is too much is a setting; who waits as long as told is let through, with the same idempotency key', async () => {
  await using server = await testNode({ env: { LOOP_GUARD_EXCHANGES: '3', LOOP_GUARD_SECONDS: '1' } });
  expect(await talk(server, 5)).toBeUndefined();
  const again = () =>
    server.send('POST', '/chat/messages', { from: 'kai', to: 'pixel', content: 'x' }, { 'idempotency-key': 'once' });
  const refused = await again();
  expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '1']);
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  expect((await again()).status).toBe(200);

  await using off = await testNode({ env: { LOOP_GUARD_EXCHANGES: '0' } });
  expect(await talk(off, 60)).toBeUndefined();
  expect(await detected(off.url)).toEqual([]);
});

test('a loop is one after a restart as well, with the index and without it', async () => {
  using directory = temporaryDirectory();
  {
    await using server = await testNode({ dir: directory.path });
    await talk(server, 22, { channel: 'dev' });
  }
  for (const without of [false, true]) {
    if (without)
      for (const end of ['', '-wal', '-shm']) rmSync(join(directory.path, `index.sqlite${end}`), { force: true });
    await using server = await testNode({ dir: directory.path });
    expect(await talk(server, 1, { channel: 'dev' })).toMatchObject({ status: 429 });
    expect(await detected(server.url)).toMatchObject([{ data: { channel: 'dev', exchanges: 21 } }]);
  }
});

test('a loop is one after a kill -9, and told once', async () => {
  using temp = temporaryDirectory();
  const say = async (url: string, i: number) => {
    const [from, to] = i % 2 ? [NAMES[1], NAMES[0]] : NAMES;
    const init = { method: 'POST', headers: { 'content-type': 'application/json' } };
    const response = await fetch(`${url}/chat/messages`, { ...init, body: JSON.stringify({ from, to, content: 'x' }) });
    return response.status;
  };
  let said = 0;
  for (const until of [10, 22]) {
    await using server = await serverProcess({ dir: temp.path });
    for (; said < until; said++) expect(await say(server.url, said)).toBe(200);
    await server.end('SIGKILL');
  }
  await using server = await serverProcess({ dir: temp.path });
  expect([await say(server.url, said), await say(server.url, said + 1)]).toEqual([429, 429]);
  expect(await detected(server.url)).toHaveLength(1);
}, 60_000);
