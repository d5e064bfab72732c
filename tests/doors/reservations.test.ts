import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { allEvents } from '../durability/audit.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { type Json, type TestNode, testNode } from '../support/node.ts';
import { serverProcess } from '../support/process.ts';
import { openStream } from '../support/sse.ts';
import { openSocket } from '../support/ws.ts';

const reserve = (server: TestNode, agent: string, paths: string[], more: object = {}) =>
  server.send('POST', '/reservations', { agent, paths, ...more });

describe('reservations over HTTP', () => {
  test('are made, refused to others with the holder, listed, renewed and released', async () => {
    await using server = await testNode();
    const made = await reserve(server, 'kai', ['src/auth/**'], { ttl: 60 });
    const { reservation } = made.body;
    expect(made.body).toMatchObject({ success: true, reservation: { agent: 'kai', mode: 'exclusive', ttl: 60 } });
    expect(made.headers.get('x-seq')).toBe(`${reservation.seq}`);

    const refused = await reserve(server, 'pixel', ['docs', 'src/**/login.ts']);
    expect([refused.status, refused.headers.get('content-type')]).toEqual([
      409,
      expect.stringContaining('application/problem+json'),
    ]);
    expect(refused.body).toMatchObject({
      code: 'paths_reserved',
      detail: expect.stringContaining('kai'),
      conflicts: [{ id: reservation.id, agent: 'kai', expiresAt: reservation.expiresAt, wanted: ['src/**/login.ts'] }],
    });

    const other = (await reserve(server, 'pixel', ['docs/'], { mode: 'shared' })).body.reservation;
    const listed = async (query: string) =>
      (await server.get(`/reservations?${query}`)).body.reservations.map(({ id }: Json) => id);
    expect(await listed('')).toEqual([reservation.id, other.id]);
    expect(await listed('agent=pixel')).toEqual([other.id]);
    expect(await listed(`path=${encodeURIComponent('src/auth/login.ts')}`)).toEqual([reservation.id]);
    expect((await server.get(`/reservations/${reservation.id}`)).body).toEqual({ reservation });

    const renewed = await server.send('POST', `/reservations/${reservation.id}/renew`, { agent: 'kai', ttl: 600 });
    expect(renewed.body.reservation.expiresAt).toBeGreaterThan(reservation.expiresAt);
    for (const agent of ['?agent=pixel', ''])
      expect((await server.send('DELETE', `/reservations/${reservation.id}${agent}`)).body.code).toBe(
        agent === '' ? 'invalid_input' : 'reserved_by_another',
      );
    const gone = await server.send('DELETE', `/reservations/${reservation.id}`, undefined, { 'x-agent': 'kai' });
    expect(gone.body).toEqual({ success: true });
    const taken = await server.send('DELETE', `/reservations/${other.id}?agent=kai&takeover=1`);
    expect(taken.status).toBe(200);
    expect((await server.get(`/reservations/${other.id}`)).body.code).toBe('reservation_not_found');

    for (const path of ['a', 'b']) await reserve(server, 'kai', [path]);
    expect((await server.send('DELETE', '/reservations?agent=kai')).body).toEqual({ success: true, released: 2 });
    expect((await server.get('/reservations')).body).toEqual({ reservations: [], count: 0 });
    const reasons = (await allEvents(server.url)).map(({ type, data }) => data.reason ?? type.split('_')[1]);
    expect(reasons.filter((each: string) => each !== 'created')).toEqual(
      expect.arrayContaining(['granted', 'renewed', 'released', 'taken_over']),
    );
  });

  test('are waited for: the paths come when they are released, and the answer in turn', async () => {
    await using server = await testNode();
    const { reservation } = (await reserve(server, 'kai', ['src'])).body;
    const order: string[] = [];
    const wait = (agent: string) =>
      reserve(server, agent, ['src/a'], { wait: 20 }).then(({ body }) => {
        order.push(agent);
        return body.reservation;
      });
    const first = wait('pixel');
    await expect.poll(async () => (await reserve(server, 'nova', ['src/a'])).body.conflicts?.length).toBe(2);
    const second = wait('nova');
    await server.send('DELETE', `/reservations/${reservation.id}?agent=kai`);
    await server.send('DELETE', `/reservations/${(await first).id}?agent=pixel`);
    await second;
    expect(order).toEqual(['pixel', 'nova']);
  });

  test('expire by themselves, and whoever waits has the paths then', async () => {
    await using server = await testNode();
    await using stream = await openStream(`${server.url}/events?after=now&types=reservation_*`);
    await stream.next(({ event }) => event === 'sync');
    const { id } = (await reserve(server, 'kai', ['src'], { ttl: 1 })).body.reservation;
    expect((await reserve(server, 'pixel', ['src/a'], { wait: 20 })).body.reservation).toMatchObject({
      agent: 'pixel',
    });
    const released = await stream.next(({ data }) => data.type === 'reservation_released');
    expect(released.data).toMatchObject({ actor: 'system', subject: id, data: { agent: 'kai', reason: 'expired' } });
  });

  test('end with the claim of their task, for whoever waits at once', async () => {
    await using server = await testNode();
    const { task } = (await server.send('POST', '/tasks', { title: 'A', createdBy: 'ada' })).body;
    const claim = await server.send('POST', `/tasks/${task.id}/claim`, { agent: 'kai' });
    expect((await reserve(server, 'pixel', ['src'], { task: task.id })).body.code).toBe('not_the_holder');
    await reserve(server, 'kai', ['src'], { task: task.id, claim: claim.body.claim.id });
    expect((await server.get(`/reservations?task=${task.id}`)).body.count).toBe(1);
    const waits = reserve(server, 'pixel', ['src'], { wait: 20 });
    await server.send('POST', `/tasks/${task.id}/complete`, { agent: 'kai' });
    expect((await waits).body.reservation.agent).toBe('pixel');
    expect((await server.get(`/reservations?task=${task.id}`)).body.count).toBe(0);
  });

  test('are made once for one idempotency key', async () => {
    await using server = await testNode();
    const body = { agent: 'kai', paths: ['src'], wait: 5 };
    const once = () => server.send('POST', '/reservations', body, { 'idempotency-key': 'once' });
    const [a, b] = await Promise.all([once(), once()]);
    expect(a.body).toEqual(b.body);
    await server.send('DELETE', '/reservations?agent=kai');
    expect((await once()).body).toEqual(a.body);
    expect((await server.get('/reservations')).body.count).toBe(0);
  });

  test('that are waited for when the server closes are not made', async () => {
    using directory = temporaryDirectory();
    {
      await using server = await testNode({ dir: directory.path });
      await reserve(server, 'kai', ['src']);
      const waits = reserve(server, 'pixel', ['src'], { wait: 60 });
      await expect.poll(async () => (await reserve(server, 'nova', ['src'])).body.conflicts?.length).toBe(2);
      await server.node.close();
      expect((await waits).body.code).toBe('shutting_down');
    }
    await using again = await testNode({ dir: directory.path });
    expect((await again.get('/reservations')).body.reservations).toMatchObject([{ agent: 'kai' }]);
  });
});

test('a call over /ws reserves and waits, as a request does', async () => {
  await using server = await testNode();
  await using hub = await openSocket(`${server.url}/ws?agent=kai`);
  const call = (id: number, op: string, input: object) => hub.send({ type: 'call', id, op, input });
  const result = (id: number) => hub.next((frame) => frame.type === 'result' && frame.id === id, 5_000);
  const { id } = (await reserve(server, 'pixel', ['src'])).body.reservation;
  call(1, 'reservations.reserve', { paths: ['src/a'] });
  expect(await result(1)).toMatchObject({ ok: false, code: 'paths_reserved', conflicts: [{ agent: 'pixel' }] });
  call(2, 'reservations.reserve', { paths: ['src/a'], wait: 20 });
  await server.send('DELETE', `/reservations/${id}?agent=pixel`);
  expect(await result(2)).toMatchObject({ ok: true, result: { reservation: { agent: 'kai' } } });
});

test('what is reserved is reserved after a restart, with the index and without it', async () => {
  using directory = temporaryDirectory();
  let before: Json;
  {
    await using server = await testNode({ dir: directory.path });
    const { task } = (await server.send('POST', '/tasks', { title: 'A', createdBy: 'ada' })).body;
    await server.send('POST', `/tasks/${task.id}/claim`, { agent: 'kai' });
    await reserve(server, 'kai', ['src/**', 'app/[id].ts'], { task: task.id });
    await reserve(server, 'pixel', ['docs/**'], { mode: 'shared' });
    before = (await server.get('/reservations')).body;
    expect((await server.get('/snapshot')).body.reservations).toEqual(before.reservations);
  }
  for (const without of [false, true]) {
    if (without)
      for (const end of ['', '-wal', '-shm']) rmSync(join(directory.path, `index.sqlite${end}`), { force: true });
    await using server = await testNode({ dir: directory.path });
    expect((await server.get('/reservations')).body).toEqual(before);
    expect((await reserve(server, 'nova', ['app/[id].ts'])).status).toBe(409);
    expect((await reserve(server, 'nova', ['docs/a'], { mode: 'shared', ttl: 1 })).status).toBe(200);
    await server.send('DELETE', '/reservations?agent=nova');
  }
  {
    await using server = await testNode({ dir: directory.path });
    const [{ task }] = before.reservations;
    await server.send('POST', `/tasks/${task}/release`, { agent: 'kai' });
    const ended = async () =>
      (await allEvents(server.url)).find(({ type, data }) => type === 'reservation_released' && data.task === task);
    await expect.poll(ended).toMatchObject({ actor: 'system', data: { agent: 'kai', reason: 'lease_ended' } });
  }
});

test('no path is granted twice, and none that was granted is lost, when the server is killed while agents race', async () => {
  using temp = temporaryDirectory();
  const call = async (method: string, url: string, body?: object) => {
    const headers = { 'content-type': 'application/json' };
    const init = body === undefined ? { method } : { method, headers, body: JSON.stringify(body) };
    const response = await fetch(url, init);
    return { status: response.status, body: (await response.json()) as Json };
  };
  const granted = new Map<string, Json>();
  const released = new Set<string>();
  {
    await using server = await serverProcess({ dir: temp.path });
    const racer = async (agent: string) => {
      for (let i = 0; ; i++) {
        const keeps = i % 7 === 0;
        const paths = [keeps ? `docs/${agent}/${i}` : `src/${i % 5}/**`];
        const answer = await call('POST', `${server.url}/reservations`, { agent, paths, wait: 5 }).catch(() => {});
        if (answer === undefined) return;
        const { reservation } = answer.body;
        if (reservation === undefined) continue;
        granted.set(reservation.id, reservation);
        if (granted.size === 150) server.child.kill('SIGKILL');
        if (keeps) continue;
        released.add(reservation.id);
        await call('DELETE', `${server.url}/reservations/${reservation.id}?agent=${agent}`).catch(() => {});
      }
    };
    await Promise.all(['ann', 'bob', 'cyd', 'dan', 'eve'].map(racer));
  }
  await using server = await serverProcess({ dir: temp.path });
  const live = new Map<string, Json>();
  for (const { type, data } of await allEvents(server.url)) {
    if (type === 'reservation_released') live.delete(data.id);
    if (type !== 'reservation_granted') continue;
    for (const other of live.values()) if (other.agent !== data.agent) expect(other.paths[0]).not.toBe(data.paths[0]);
    live.set(data.id, data);
  }
  const now = new Map(
    (await call('GET', `${server.url}/reservations?limit=1000`)).body.reservations.map((each: Json) => [each.id, each]),
  );
  expect([...now.keys()]).toEqual([...live.keys()]);
  for (const [id, reservation] of granted) if (!released.has(id)) expect(now.get(id)).toEqual(reservation);
  const [held] = live.values();
  const late = await call('POST', `${server.url}/reservations`, { agent: 'late', paths: held.paths });
  expect(late.body).toMatchObject({ code: 'paths_reserved', conflicts: [{ agent: held.agent }] });
}, 120_000);
