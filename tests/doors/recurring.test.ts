import { describe, expect, test } from 'vitest';
import type { World } from '../../src/kernel/options.ts';
import { allEvents } from '../durability/audit.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { type Json, quietNode, type TestNode } from '../support/node.ts';
import { serverProcess } from '../support/process.ts';
import { openStream } from '../support/sse.ts';
import { openSocket } from '../support/ws.ts';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const DAY = 24 * 60 * MINUTE;
const NOON = Date.UTC(2026, 5, 1, 12);

/** A world whose clock a test sets. */
function worldAt(time: number): World & { time: number } {
  let n = 0;
  const world = { time, clock: () => world.time, random: (length: number) => `${n++}`.padStart(length, '0') };
  return world;
}

async function recurs(server: TestNode, fields: object): Promise<Json> {
  const input = { title: 'Sweep', createdBy: 'link', ...fields };
  const { status, body } = await server.send('POST', '/tasks/recurring', input);
  if (status !== 200) throw new Error(`${status} ${JSON.stringify(body)}`);
  return body.recurring;
}

/** The times for which tasks were made, in the order in which they were; whatever is due is done before. */
async function times(server: TestNode): Promise<number[]> {
  await server.post('link', 'what is due is done before a command');
  const events = await allEvents(server.url);
  return events.filter(({ type }) => type === 'task_created').map(({ data }) => data.scheduledAt);
}

/** `count` times from `first` on. */
const from = (first: number, count: number, step = MINUTE) => Array.from({ length: count }, (_, i) => first + i * step);

describe('a recurring task over HTTP', () => {
  test('is made, shown, changed and deleted, each change by those alone who saw it as it was', async () => {
    await using server = await quietNode({ world: worldAt(NOON) });
    const made = await server.send('POST', '/tasks/recurring', {
      title: 'Sweep',
      createdBy: 'link',
      cron: '0 9 * * MON-FRI',
      tz: 'Europe/Berlin',
    });
    const { id, seq, nextAt } = made.body.recurring;
    expect([made.status, made.headers.get('etag'), nextAt]).toEqual([200, `"${seq}"`, Date.UTC(2026, 5, 2, 7)]);
    const got = await server.get(`/tasks/recurring/${id}`);
    expect([got.headers.get('etag'), got.body.recurring]).toEqual([`"${seq}"`, made.body.recurring]);
    expect((await server.get('/tasks/recurring')).body).toEqual({ recurring: [made.body.recurring], count: 1 });

    const patch = (every: string) =>
      server.send('PATCH', `/tasks/recurring/${id}`, { every }, { 'if-match': `"${seq}"` });
    const all = await Promise.all(['1h', '2h', '3h', '4h', '5h', '6h', '7h', '8h'].map(patch));
    expect(all.map(({ status }) => status).sort()).toEqual([200, ...Array(7).fill(412)]);
    const deleted = (tag: string) => server.send('DELETE', `/tasks/recurring/${id}`, undefined, { 'if-match': tag });
    expect((await deleted(`"${seq}"`)).status).toBe(412);
    const { headers } = await server.get(`/tasks/recurring/${id}`);
    expect((await deleted(headers.get('etag') as string)).body).toEqual({ success: true });
    expect((await server.get(`/tasks/recurring/${id}`)).body.code).toBe('recurring_not_found');
  });

  test('is refused with the place of every fault, and with nothing written', async () => {
    await using server = await quietNode();
    for (const [fields, status, pointers] of [
      [{}, 400, ['/every']],
      [{ every: '1h', cron: '0 * * * *' }, 400, ['/every']],
      [{ every: '1h', tz: 'UTC' }, 400, ['/tz']],
      [{ cron: '0 * * * *', tz: 'Mars/Olympus' }, 400, ['/tz']],
      [{ cron: '0 0 30 2 *' }, 400, ['/cron']],
      [{ every: '365000000d' }, 400, ['/every']],
      [{ every: '1s', metadata: { text: 'x'.repeat(261_700) } }, 413, undefined],
    ] as const) {
      const answer = await server.send('POST', '/tasks/recurring', { title: 'Sweep', createdBy: 'link', ...fields });
      expect([answer.status, answer.body.errors?.map(({ pointer }: Json) => pointer)]).toEqual([status, pointers]);
    }
    expect((await server.get('/health')).body.journal.head).toBe(0);
  });

  test('is made over /ws as well; its tasks come to whoever waits for work, in one transaction with their time', async () => {
    const world = worldAt(NOON);
    await using server = await quietNode({ world });
    await using hub = await openSocket(`${server.url}/ws?agent=link`);
    const input = { title: 'Sweep', every: '1m', assignee: 'kai' };
    hub.send({ type: 'call', id: 1, op: 'recurring.create', input });
    const { ok, result } = await hub.next(({ type }) => type === 'result');
    expect([ok, result.recurring.createdBy]).toEqual([true, 'link']);
    await using stream = await openStream(`${server.url}/events?after=now`);
    await stream.next(({ event }) => event === 'sync');
    world.time += MINUTE;
    // The command that asks for work finds what has come by now.
    const next = await server.send('POST', '/tasks/next', { agent: 'kai', claim: true });
    expect(next.body.task).toMatchObject({ title: 'Sweep', scheduledAt: NOON + MINUTE, createdBy: 'link' });
    const seen: Json[] = [];
    while (seen.length < 3) seen.push((await stream.next(({ data }) => data.seq !== undefined)).data);
    expect(seen.map(({ type }) => type)).toEqual(['recurring_came', 'task_created', 'task_assigned']);
    expect(seen.map(({ tx }) => tx)).toEqual([1, 2, 3].map((i) => ({ id: seen[0].seq, i, n: 3 })));
    expect(seen.every(({ actor }) => actor === 'system')).toBe(true);
  });
});

describe('a server that was closed', () => {
  test.each([
    ['each of the times', { every: '1m' }, 7, from(NOON + MINUTE, 7)],
    ['each of the times', { cron: '* * * * *', tz: 'America/New_York' }, 7, from(NOON + MINUTE, 7)],
    [
      'the newest hundred times',
      { every: '1m' },
      60 * 24 * 366,
      from(NOON + MINUTE + (60 * 24 * 366 - 100) * MINUTE, 100),
    ],
    ['the latest time', { every: '1m', missed: 'latest' }, 7, [NOON + 7 * MINUTE]],
    ['the times until its end', { every: '1m', until: NOON + 3 * MINUTE }, 7, from(NOON + MINUTE, 3)],
  ])('makes %s that it slept over, once: %j', async (_, fields, minutes, expected) => {
    using temp = temporaryDirectory();
    const world = worldAt(NOON);
    let nextAt: number | undefined;
    {
      await using server = await quietNode({ dir: temp.path, world });
      await recurs(server, fields);
    }
    world.time += minutes * MINUTE + 10 * SECOND;
    {
      await using server = await quietNode({ dir: temp.path, world });
      expect(await times(server)).toEqual(expected);
      const [recurring] = (await server.get('/tasks/recurring')).body.recurring;
      expect(recurring.skippedSince).toBe(expected[0] === NOON + MINUTE ? undefined : NOON + MINUTE);
      nextAt = recurring.nextAt;
      expect(nextAt).toBe('until' in fields ? undefined : NOON + (minutes + 1) * MINUTE);
    }
    await using server = await quietNode({ dir: temp.path, world });
    expect(await times(server)).toEqual(expected);
    world.time += MINUTE;
    expect(await times(server)).toEqual(nextAt === undefined ? expected : [...expected, nextAt]);
  });

  test('makes up for nothing that was paused', async () => {
    using temp = temporaryDirectory();
    const world = worldAt(NOON);
    let id: string;
    {
      await using server = await quietNode({ dir: temp.path, world });
      id = (await recurs(server, { every: '1m' })).id;
      await server.send('PATCH', `/tasks/recurring/${id}`, { paused: true });
    }
    world.time += DAY + 1;
    await using server = await quietNode({ dir: temp.path, world });
    expect(await times(server)).toEqual([]);
    await server.send('PATCH', `/tasks/recurring/${id}`, { paused: false });
    expect(await times(server)).toEqual([]);
    world.time += MINUTE;
    expect(await times(server)).toEqual([NOON + DAY + MINUTE]);
  });
});

test('a clock that goes back makes nothing twice, whatever is changed meanwhile', async () => {
  using temp = temporaryDirectory();
  const world = worldAt(NOON);
  const expected = from(NOON + MINUTE, 10);
  let id: string;
  {
    await using server = await quietNode({ dir: temp.path, world });
    id = (await recurs(server, { every: '1m' })).id;
    world.time += 10 * MINUTE;
    expect(await times(server)).toEqual(expected);
    world.time -= 5 * MINUTE;
    expect(await times(server)).toEqual(expected);
    for (const change of [
      { task: { title: 'Mop' } },
      { paused: true },
      { paused: false },
      { until: NOON + DAY },
      { every: '30s' },
      { every: '1m' },
    ]) {
      const { body } = await server.send('PATCH', `/tasks/recurring/${id}`, change);
      if (!body.recurring.paused) expect(body.recurring.nextAt).toBeGreaterThan(NOON + 10 * MINUTE);
      world.time += 10 * SECOND;
      expect(await times(server)).toEqual(expected);
    }
  }
  world.time = NOON - DAY;
  await using server = await quietNode({ dir: temp.path, world });
  expect(await times(server)).toEqual(expected);
  await server.send('PATCH', `/tasks/recurring/${id}`, { cron: '* * * * *' });
  world.time = NOON + 10 * MINUTE;
  expect(await times(server)).toEqual(expected);
  world.time += MINUTE;
  expect(await times(server)).toEqual([...expected, NOON + 11 * MINUTE]);
});

test('a recurrence that no task can be made of is paused and says why; the others come, and the server starts', async () => {
  using temp = temporaryDirectory();
  const world = worldAt(NOON);
  {
    await using server = await quietNode({ dir: temp.path, world });
    const { id } = await recurs(server, { cron: '* * * * *' });
    await recurs(server, { every: '1m', title: 'Mop' });
    // As it would be where this machine did not know the time zone any more.
    const collection = server.node.kernel.collection<Json>('recurring');
    collection.load(id, { ...collection.get(id), tz: 'Atlantis/Poseidonis' });
    world.time += MINUTE + 10 * SECOND;
    await server.post('link', 'what is due is done');
    const [broken, sound] = (await server.get('/tasks/recurring')).body.recurring;
    expect(broken).toMatchObject({ paused: true, fault: expect.stringContaining('Atlantis/Poseidonis'), made: 0 });
    expect(sound).toMatchObject({ made: 1 });
    expect((await server.get('/tasks')).body.tasks.map(({ title }: Json) => title)).toEqual(['Mop']);
  }
  await using server = await quietNode({ dir: temp.path, world });
  expect(await times(server)).toHaveLength(1);
  expect((await server.get('/tasks/recurring')).body.recurring[0]).toMatchObject({ paused: true });
});

test('a process that is killed or closed again and again makes one task for each second', async () => {
  using temp = temporaryDirectory();
  const call = async (url: string, fields: object) => {
    const response = await fetch(`${url}/tasks/recurring`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ title: 'Sweep', createdBy: 'link', ...fields }),
    });
    return ((await response.json()) as Json).recurring;
  };
  const all: Json[] = [];
  for (const [signal, moment] of [
    ['SIGKILL', 0],
    ['SIGTERM', 2],
    ['SIGKILL', 5],
    ['SIGKILL', 500],
  ] as const) {
    await using server = await serverProcess({ dir: temp.path });
    if (all.length === 0)
      all.push(await call(server.url, { every: '1s' }), await call(server.url, { cron: '* * * * * *' }));
    // It ends at another moment of a second each time, the first ones about when a task is made.
    const ms = (all[0].nextAt + moment - Date.now()) % SECOND;
    await new Promise((resolve) => setTimeout(resolve, 2 * SECOND + ms));
    await server.end(signal);
  }
  await using server = await serverProcess({ dir: temp.path });
  const events = await allEvents(server.url);
  for (const { id, nextAt } of all) {
    const made = events.filter(({ type, data }) => type === 'task_created' && data.recurring === id);
    const came = events.filter(({ type, subject }) => type === 'recurring_came' && subject === id);
    expect(made.length).toBeGreaterThanOrEqual(4);
    expect(made.map(({ data }) => data.scheduledAt)).toEqual(from(nextAt, made.length, SECOND));
    expect(came.map(({ data }) => data.task)).toEqual(made.map(({ data }) => data.id));
  }
}, 120_000);
