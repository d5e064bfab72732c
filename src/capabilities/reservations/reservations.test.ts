import { describe, expect, test } from 'vitest';
import { given, type Scene, T0 } from '../../../tests/support/given.ts';
import { claimed, created, refusal, table } from '../../../tests/support/tasks.ts';
import { reservations } from './index.ts';

const all = [...table.slice(0, -1), reservations, ...table.slice(-1)];
const empty = given(all, created('a'), created('b'));

/** The scene after an agent reserved something, and what it got. */
function reserved(scene: Scene, agent: string, paths: string | string[], more: object = {}) {
  const decision = scene.when('reservations.reserve', { agent, paths: [paths].flat(), ...more });
  return { scene: decision.after, reservation: decision.answer.reservation };
}

const kai = reserved(empty, 'kai', 'src/auth/**');
const asks = (agent: string, paths: string | string[], more: object = {}, scene = kai.scene) =>
  scene.when('reservations.reserve', { agent, paths: [paths].flat(), ...more });

describe('reserving', () => {
  test('gives an agent paths, in their normal form, for an hour', () => {
    const id = `reservation-${T0 + 2}-xxxxxxxxx`;
    const decision = empty.when('reservations.reserve', {
      agent: 'kai',
      paths: ['./src//auth/', 'src/auth/**', 'a\\b'],
    });
    const reservation = {
      id,
      agent: 'kai',
      paths: ['src/auth/**', 'a/b'],
      mode: 'exclusive',
      grantedAt: T0 + 2,
      expiresAt: T0 + 2 + 3_600_000,
      ttl: 3_600,
    };
    const { after, answer } = decision;
    decision.then({ type: 'reservation_granted', subject: id, data: reservation });
    expect(answer).toEqual({ success: true, reservation: { ...reservation, seq: 3 } });
    expect(after.entity('reservations', id)).toEqual({ ...reservation, seq: 3 });
    expect(after.concerned('kai', 'pixel')).toEqual(['kai']);
  });

  test('what another has is refused, and says who has what until when', () => {
    const { id, expiresAt } = kai.reservation;
    const extra = refusal(asks('pixel', ['docs', 'src/*/login.ts', 'src/auth/x']), 'paths_reserved');
    const conflict = { id, agent: 'kai', mode: 'exclusive', paths: ['src/auth/**'], expiresAt };
    expect(extra).toEqual({ conflicts: [{ ...conflict, wanted: ['src/*/login.ts', 'src/auth/x'] }] });
  });

  test('what nobody has is granted, and so is what one has already', () => {
    asks('pixel', ['src/*.ts', 'docs/**']).events;
    const again = reserved(kai.scene, 'kai', '**');
    expect(again.reservation.id).not.toBe(kai.reservation.id);
    expect(again.scene.all('reservations')).toHaveLength(2);
  });

  test.each([
    ['exclusive', 'exclusive', false],
    ['exclusive', 'shared', false],
    ['shared', 'exclusive', false],
    ['shared', 'shared', true],
  ])('%s and then %s is granted to two: %s', (has, wants, granted) => {
    const { scene } = reserved(empty, 'kai', 'src', { mode: has });
    const decision = asks('pixel', 'src/a', { mode: wants }, scene);
    if (granted) expect(decision.events).toHaveLength(1);
    else decision.thenRefused('paths_reserved');
  });

  test('many conflicts are told in part', () => {
    let scene = empty;
    for (let i = 0; i < 12; i++) scene = reserved(scene, 'kai', `src/${i}`).scene;
    const { conflicts, more } = refusal(asks('pixel', 'src/**', {}, scene), 'paths_reserved');
    expect([conflicts.length, more]).toEqual([10, true]);
  });

  test('more than 1000 at a time is refused to one agent', () => {
    const one = { agent: 'kai', mode: 'shared', grantedAt: 1, expiresAt: T0 * 2, ttl: 1 };
    const past = Array.from({ length: 1_000 }, (_, i) => {
      const data = { id: `r${i}`, paths: [`f${i}`], ...one };
      return { type: 'reservation_granted', subject: data.id, data };
    });
    const scene = given(all, ...past);
    asks('kai', 'x', {}, scene).thenRefused('rate_limited');
    expect(asks('pixel', 'x', {}, scene).events).toHaveLength(1);
    const { released } = scene.when('reservations.release_all', { agent: 'kai' }).answer;
    expect(released).toBe(1_000);
  });

  test('so much with wildcards that nobody can tell is refused, and never granted', () => {
    const names = '{a,b}'.repeat(8);
    const { scene } = reserved(empty, 'kai', `*${names}c*`);
    asks('pixel', `${names}${'[ab]'.repeat(12)}`, {}, scene).thenRefused('rate_limited');
  });

  test.each([
    ['no path', { paths: [] }],
    ['too many paths', { paths: Array.from({ length: 101 }, (_, i) => `${i}`) }],
    ['a long path', { paths: ['x'.repeat(513)] }],
    ['long paths', { paths: Array.from({ length: 40 }, (_, i) => `${i}${'x'.repeat(500)}`) }],
    ['many braces', { paths: ['{1..200}', 'a{1..200}'] }],
    ['a way out', { paths: ['src', '../x'] }],
    ['nobody', { agent: undefined }],
    ['another mode', { mode: 'mine' }],
    ['a moment', { ttl: 0 }],
    ['more than a day', { ttl: 86_401 }],
    ['a long wait', { wait: 601 }],
  ])('is refused for %s', (_, more) => {
    empty.when('reservations.reserve', { agent: 'kai', paths: ['a'], ...more }).thenRefused('invalid_input');
  });
});

describe('a reservation', () => {
  const { id } = kai.reservation;
  const data = { id, agent: 'kai', paths: ['src/auth/**'], mode: 'exclusive' };
  const releases = (agent: string, more: object = {}, scene = kai.scene) =>
    scene.when('reservations.release', { id, agent, ...more });

  test('is released by its holder, and then free', () => {
    const after = releases('kai').then({
      type: 'reservation_released',
      subject: id,
      data: { ...data, reason: 'released' },
    });
    expect(after.all('reservations')).toEqual([]);
    expect(asks('pixel', 'src/auth/a', {}, after).events).toHaveLength(1);
    releases('kai', {}, after).thenRefused('reservation_not_found');
  });

  test('is not released by another, unless it says that it takes it over', () => {
    expect(refusal(releases('pixel'), 'reserved_by_another')).toEqual({
      agent: 'kai',
      expiresAt: kai.reservation.expiresAt,
    });
    const after = releases('pixel', { takeover: true }).then({
      type: 'reservation_released',
      subject: id,
      data: { ...data, reason: 'taken_over' },
    });
    expect(after.concerned('kai', 'pixel')).toEqual(['kai']);
    expect(after.events.at(-1)?.actor).toBe('pixel');
  });

  test('is released by its holder also where it says that it takes it over', () => {
    expect(releases('kai', { takeover: '1' }).events).toMatchObject([{ data: { reason: 'released' } }]);
  });

  test('is released with all others of its holder, and no others', () => {
    const scene = reserved(reserved(kai.scene, 'kai', 'a').scene, 'pixel', 'b').scene;
    const { answer, after } = scene.when('reservations.release_all', { agent: 'kai' });
    expect(answer).toEqual({ success: true, released: 2 });
    expect(after.all('reservations')).toMatchObject([{ agent: 'pixel' }]);
    after.when('reservations.release_all', { agent: 'kai' }).thenNothing();
  });

  test('lasts its time, and is over then', () => {
    expect(() => kai.scene.later(3_598_000).whenDue()).toThrow('nothing is due');
    const late = kai.scene.later(3_600_000);
    // Also before anybody has said so.
    expect(asks('pixel', 'src/auth/a', {}, late).events).toHaveLength(1);
    late.when('reservations.renew', { id, agent: 'kai' }).thenRefused('reservation_not_found');
    const after = late.whenDue().then({
      type: 'reservation_released',
      subject: id,
      data: { ...data, reason: 'expired' },
    });
    expect(after.events.at(-1)?.actor).toBe('system');
    expect(after.concerned('kai', 'pixel')).toEqual(['kai']);
    expect(() => after.whenDue()).toThrow('nothing is due');
  });

  test('lasts its time from when it is renewed, as long as asked', () => {
    const later = kai.scene.later(1_000_000);
    const now = kai.reservation.grantedAt + 1 + 1_000_000;
    for (const ttl of [undefined, 60]) {
      const lasts = ttl ?? 3_600;
      const decision = later.when('reservations.renew', { id, agent: 'kai', ttl });
      expect(decision.answer.reservation).toMatchObject({ id, expiresAt: now + lasts * 1_000, ttl: lasts, seq: 4 });
      expect(() => decision.after.later(lasts * 1_000 - 2).whenDue()).toThrow('nothing is due');
      expect(decision.after.later(lasts * 1_000).whenDue().events).toHaveLength(1);
    }
    later.when('reservations.renew', { id, agent: 'pixel' }).thenRefused('reserved_by_another');
  });

  test('ends with all others whose time is over, the oldest first, 200 at a time', () => {
    const past = Array.from({ length: 201 }, (_, i) => {
      const data = { id: `r${i}`, agent: 'kai', paths: [`${i}`], mode: 'shared', expiresAt: 1_000 - i, ttl: 1 };
      return { type: 'reservation_granted', subject: data.id, data };
    });
    const first = given(all, ...past).whenDue();
    expect(first.events).toHaveLength(200);
    expect(first.events[0]?.subject).toBe('r200');
    expect(first.after.whenDue().events).toMatchObject([{ subject: 'r0' }]);
  });
});

describe('a reservation with a task', () => {
  const { scene: held, claim } = claimed(empty, 'a', 'kai', { ttl: 60 });
  const { scene, reservation } = reserved(held, 'kai', 'src/auth/**', { task: 'a' });
  const { id } = reservation;

  test('lasts as long as the claim, and a day at most', () => {
    expect(reservation).toMatchObject({ task: 'a', ttl: 86_400 });
    expect(reserved(held, 'kai', 'x', { task: 'a', ttl: 5 }).reservation.ttl).toBe(5);
  });

  test('is a sign of life', () => {
    const { events, after } = held
      .later(30_000)
      .when('reservations.reserve', { agent: 'kai', paths: ['x'], task: 'a' });
    expect(events.map(({ type }) => type)).toEqual(['reservation_granted', 'task_lease_renewed']);
    expect(after.entity('tasks', 'a').claim.expiresAt).toBe(claim.expiresAt + 30_001);
  });

  test.each<[string, (scene: Scene) => Scene]>([
    ['expires', (before) => before.later(60_001).whenDue().after],
    ['is released', (before) => before.when('tasks.release', { id: 'a', agent: 'kai' }).after],
    ['is completed', (before) => before.when('tasks.complete', { id: 'a', agent: 'kai' }).after],
    ['fails', (before) => before.when('tasks.fail', { id: 'a', agent: 'kai', reason: 'x' }).after],
    ['is taken over', (before) => before.when('tasks.claim', { id: 'a', agent: 'pixel', takeover: true }).after],
    ['ends by a change of the task', (before) => before.when('tasks.update', { id: 'a', status: 'blocked' }).after],
    ['ends because the task is deleted', (before) => before.when('tasks.delete', { id: 'a' }).after],
  ])('ends when the claim %s', (_, end) => {
    const ended = end(scene);
    // From that moment on it is in nobody's way.
    expect(asks('pixel', 'src/auth/a', {}, ended).events).not.toEqual([]);
    const after = ended.whenDue().then({
      type: 'reservation_released',
      subject: id,
      data: { id, agent: 'kai', paths: ['src/auth/**'], mode: 'exclusive', task: 'a', reason: 'lease_ended' },
    });
    expect(after.all('reservations')).toEqual([]);
    expect(after.all('task_reservations')).toEqual([]);
    expect(() => after.whenDue()).toThrow('nothing is due');
  });

  test('outlives signs of life, changes, and claims of other tasks', () => {
    let still = claimed(scene, 'b', 'kai').scene;
    for (const [operation, input] of [
      ['tasks.heartbeat', { id: 'a', agent: 'kai', ttl: 90 }],
      ['tasks.update', { id: 'a', title: 'New' }],
      ['tasks.release', { id: 'b', agent: 'kai' }],
    ] as const)
      still = still.when(operation, input).after;
    expect(() => still.whenDue()).toThrow('nothing is due');
    expect(still.entity('reservations', id)).not.toHaveProperty('leaseEnded');
  });

  test('can be released before, and leaves others of the task as they are', () => {
    const two = reserved(scene, 'kai', 'docs', { task: 'a' });
    const { after } = two.scene.when('reservations.release', { id, agent: 'kai' });
    expect(after.entity('task_reservations', 'a')).toEqual({ ids: [two.reservation.id] });
    expect(after.when('tasks.release', { id: 'a', agent: 'kai' }).after.whenDue().events).toHaveLength(1);
  });

  test('is had by whoever holds the claim, and nobody else', () => {
    const wants = (input: Record<string, unknown>, from = held) =>
      from.when('reservations.reserve', { paths: ['x'], ...input });
    wants({ agent: 'pixel', task: 'a' }).thenRefused('not_the_holder');
    wants({ agent: 'kai', task: 'b' }).thenRefused('not_the_holder');
    wants({ agent: 'kai', task: 'none' }).thenRefused('task_not_found');
    wants({ agent: 'kai', task: 'a', claim: 'claim-of-before' }).thenRefused('stale_claim');
    expect(wants({ agent: 'kai', task: 'a', claim: claim.id }).events).toHaveLength(1);
    wants({ agent: 'kai', task: 'a' }, held.later(60_000)).thenRefused('not_the_holder');
  });
});

describe('what is reserved', () => {
  const { scene: held } = claimed(kai.scene, 'a', 'pixel', { ttl: 60 });
  const scene = reserved(reserved(held, 'pixel', ['docs/**', '*.md'], { task: 'a' }).scene, 'kai', 'tests/x.ts').scene;
  const list = async (filter: Record<string, unknown>, from = scene) => {
    const { reservations, ...rest } = await from.asks('reservations.list', filter);
    return { paths: reservations.map(({ paths }: { paths: string[] }) => paths[0]), ...rest };
  };

  test.each([
    [{}, ['src/auth/**', 'docs/**', 'tests/x.ts']],
    [{ agent: 'kai' }, ['src/auth/**', 'tests/x.ts']],
    [{ task: 'a' }, ['docs/**']],
    [{ task: 'a', agent: 'kai' }, []],
    [{ path: 'docs/guides/a.md' }, ['docs/**']],
    [{ path: 'README.md' }, ['docs/**']],
    [{ path: 'src/auth' }, ['src/auth/**']],
    [{ path: './src/**' }, ['src/auth/**']],
    [{ path: '**', agent: 'kai' }, ['src/auth/**', 'tests/x.ts']],
    [{ path: 'src/other.ts' }, []],
  ])('is listed by %j', async (filter, paths) => {
    expect(await list(filter)).toEqual({ paths, count: paths.length });
  });

  test('is listed page by page', async () => {
    const first = await list({ limit: 2 });
    expect(first).toMatchObject({ paths: ['src/auth/**', 'docs/**'], count: 3, more: true });
    expect(await list({ limit: 2, cursor: first.cursor })).toEqual({ paths: ['tests/x.ts'], count: 3 });
  });

  test('is not what is over, also where nobody has said so yet', async () => {
    const expired = scene.later(3_600_000);
    expect(await list({}, expired)).toMatchObject({ paths: ['docs/**'] });
    const ended = scene.when('tasks.release', { id: 'a', agent: 'pixel' }).after;
    expect(await list({ path: 'docs/a' }, ended)).toEqual({ paths: [], count: 0 });
    const { id } = kai.reservation;
    expect(await scene.asks('reservations.get', { id })).toMatchObject({ reservation: { id, agent: 'kai' } });
    await expect(expired.asks('reservations.get', { id })).rejects.toMatchObject({ code: 'reservation_not_found' });
  });
});
