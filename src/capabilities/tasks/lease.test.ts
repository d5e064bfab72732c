import { describe, expect, test } from 'vitest';
import type { Scene } from '../../../tests/support/given.ts';
import { board, claimed, play, refusal } from '../../../tests/support/tasks.ts';

/** A minute's lease. */
const TTL = { ttl: 60 };
const { scene: held, claim } = claimed(board(['a', { assignee: 'kai' }]), 'a', 'kai', TTL);
const expiresAt = (scene: Scene) => scene.entity('tasks', 'a').claim?.expiresAt;

describe('a lease that nobody renews', () => {
  test('is not over before its time', () => {
    expect(() => held.later(59_998).whenDue()).toThrow('nothing is due');
  });

  test('ends: the task is todo for anybody, and those concerned are told who it was', () => {
    const { events, after } = held.later(59_999).whenDue();
    expect(events).toEqual([
      {
        type: 'task_lease_expired',
        subject: 'a',
        data: {
          id: 'a',
          title: 'Title of a',
          status: 'todo',
          changes: { status: 'todo', assignee: null, failed_runs: 1 },
          was: { status: 'doing', assignee: 'kai' },
          claim: null,
          run: { generation: 1, agent: 'kai', outcome: 'expired' },
          reason: 'kai gave no sign of life for 60 s',
          notify: ['kai', 'link'],
        },
      },
    ]);
    expect(after.events.at(-1)?.actor).toBe('system');
    expect(after.concerned('kai', 'link', 'pixel')).toEqual(['kai', 'link']);
    expect(after.entity('tasks', 'a')).not.toHaveProperty('claim');
    expect(after.all('task_runs')).toMatchObject([{ agent: 'kai', outcome: 'expired', end: after.events.at(-1)?.at }]);
    expect(() => after.whenDue()).toThrow('nothing is due');
  });

  test('makes room for the next, whose claim is another', () => {
    const next = claimed(held.later(60_000).whenDue().after, 'a', 'pixel');
    expect(next.claim).toMatchObject({ agent: 'pixel', generation: 2 });
    expect(next.claim.id).not.toBe(claim.id);
  });

  test('ends with all others whose time is over, the oldest first, 200 at a time', () => {
    const ids = Array.from({ length: 201 }, (_, i) => `t${i}`);
    const lease = (i: number) => ({ id: `c${i}`, agent: 'kai', generation: 1, expiresAt: 1_000 - i, ttl: 1 });
    const many = board(...ids.map((id, i): [string, object] => [id, { status: 'doing', claim: lease(i) }]));
    const first = many.whenDue();
    expect(first.events.map(({ subject }) => subject)).toEqual(ids.slice(1).reverse());
    expect(first.after.whenDue().events.map(({ subject }) => subject)).toEqual(['t0']);
  });
});

describe('too many failed runs', () => {
  const failing = (scene: Scene) =>
    play(scene, ['claim', { id: 'a', agent: 'kai' }], ['fail', { id: 'a', agent: 'kai', reason: 'broken' }]);
  const expiring = (scene: Scene) => claimed(scene, 'a', 'kai', TTL).scene.later(60_000).whenDue().after;
  const releasing = (scene: Scene) =>
    play(scene, ['claim', { id: 'a', agent: 'kai' }], ['release', { id: 'a', agent: 'kai' }]);
  const task = (scene: Scene) => scene.entity('tasks', 'a');

  test('block a task for a person, whether they failed or expired; those that were given back do not count', () => {
    const twice = releasing(expiring(releasing(failing(board('a')))));
    expect(task(twice)).toMatchObject({ status: 'todo', failed_runs: 2 });
    for (const third of [failing, expiring]) {
      const stuck = task(third(twice));
      expect(stuck).toMatchObject({
        status: 'blocked',
        failed_runs: 3,
        blocked_reason: expect.stringContaining('3 failed runs'),
      });
      expect(stuck).not.toHaveProperty('assignee');
    }
  });

  test('are forgotten when a person sets it to todo', () => {
    const stuck = failing(failing(failing(board('a'))));
    stuck.when('tasks.claim', { id: 'a', agent: 'kai' }).thenRefused('task_blocked');
    expect(task(play(stuck, ['update', { id: 'a', title: 'New' }]))).toMatchObject({
      status: 'blocked',
      failed_runs: 3,
    });
    const free = play(stuck, ['update', { id: 'a', status: 'todo' }]);
    expect(task(free)).not.toHaveProperty('failed_runs');
    expect(task(free)).not.toHaveProperty('blocked_reason');
    expect(task(failing(failing(free)))).toMatchObject({ status: 'todo', failed_runs: 2 });
  });
});

describe('a sign of life', () => {
  const own = { id: 'a', agent: 'kai' };

  test.each<[string, string, Record<string, unknown>]>([
    ['a heartbeat', 'tasks.heartbeat', own],
    ['a heartbeat that brings the claim and no name', 'tasks.heartbeat', { id: 'a', claim: claim.id }],
    ['a change', 'tasks.update', { ...own, title: 'New' }],
    ['a change that changes nothing', 'tasks.update', own],
    ['a comment', 'tasks.comment', { id: 'a', author: 'kai', content: 'half done' }],
    ['a message in the thread of the task', 'messages.send', { from: 'kai', content: 'x', channel: 'task:a' }],
  ])('is %s of the holder: the lease lasts its time from then on', (_, operation, input) => {
    const { after } = held.later(30_000).when(operation, input);
    expect(expiresAt(after)).toBe(claim.expiresAt + 30_001);
    expect(after.entity('tasks', 'a').claim.id).toBe(claim.id);
    expect(() => after.later(59_000).whenDue()).toThrow('nothing is due');
  });

  test.each<[string, string, Record<string, unknown>]>([
    ['a change', 'tasks.update', { id: 'a', agent: 'pixel', title: 'New' }],
    ['a change by whoever says no name', 'tasks.update', { id: 'a', title: 'New' }],
    ['a comment', 'tasks.comment', { id: 'a', author: 'pixel', content: 'hurry' }],
    ['a message elsewhere', 'messages.send', { from: 'kai', content: 'x' }],
  ])('is not %s of somebody else or elsewhere', (_, operation, input) => {
    expect(expiresAt(held.later(30_000).when(operation, input).after)).toBe(claim.expiresAt);
  });

  test('of which the lease would hardly last longer is not written down', () => {
    const renews = (ms: number) =>
      held
        .later(ms)
        .when('tasks.comment', { id: 'a', author: 'kai', content: 'x' })
        .events.some(({ type }) => type === 'task_lease_renewed');
    expect(renews(5_900)).toBe(false);
    expect(renews(6_000)).toBe(true);
  });

  test('that says nothing else always makes it last longer', () => {
    const beat = held.later(1).when('tasks.heartbeat', own);
    expect(beat.events).toMatchObject([{ type: 'task_lease_renewed' }]);
    expect(beat.answer.claim.expiresAt).toBeGreaterThan(claim.expiresAt);
  });

  test('may ask for another time, longer or shorter', () => {
    for (const ttl of [3_600, 10]) {
      const { answer } = held.when('tasks.heartbeat', { ...own, ttl });
      expect(answer.claim).toMatchObject({ id: claim.id, ttl, expiresAt: claim.expiresAt + 1 + (ttl - 60) * 1_000 });
    }
  });

  test.each(['heartbeat', 'claim', 'update'])(
    'by %s alone is no update and no new run: nothing is in the history',
    (operation) => {
      const { events, after } = held.later(30_000).when(`tasks.${operation}`, own);
      expect(events).toMatchObject([{ type: 'task_lease_renewed' }]);
      expect(after.entity('tasks', 'a').updatedAt).toBe(held.entity('tasks', 'a').updatedAt);
      for (const collection of ['task_history', 'task_runs'])
        expect(after.all(collection)).toEqual(held.all(collection));
    },
  );
});

describe('a late write of a former holder', () => {
  const expired = held.later(60_000);
  const over = expired.whenDue().after;
  const reclaimed = claimed(over, 'a', 'kai').scene;
  const inOtherHands = claimed(over, 'a', 'pixel').scene;
  const late = { id: 'a', agent: 'kai', claim: claim.id };

  test.each<[string, object]>([
    ['update', { title: 'Late' }],
    ['heartbeat', {}],
    ['release', {}],
    ['complete', { result: 'late' }],
    ['fail', { reason: 'late' }],
    ['claim', {}],
    ['delete', {}],
  ])('is refused by %s, whoever has the task now', (operation, input) => {
    for (const [scene, holder] of [
      [expired, 'kai'],
      [over, undefined],
      [reclaimed, 'kai'],
      [inOtherHands, 'pixel'],
    ] as const) {
      for (const write of [
        { ...late, ...input },
        { id: 'a', claim: claim.id, ...(operation === 'claim' && { agent: 'kai' }), ...input },
      ]) {
        const told = refusal(scene.when(`tasks.${operation}`, write), 'stale_claim');
        expect(told.assignee).toBe(holder);
        expect(told.taskStatus).toBe(scene.entity('tasks', 'a').status);
      }
    }
  });
});
