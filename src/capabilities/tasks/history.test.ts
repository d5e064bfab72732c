import { describe, expect, test } from 'vitest';
import { T0 } from '../../../tests/support/given.ts';
import type { Json } from '../../../tests/support/node.ts';
import { board, claimed, play } from '../../../tests/support/tasks.ts';

describe('the history of a task', () => {
  const scene = play(
    board('a', 'b'),
    ['update', { id: 'a', agent: 'kai', priority: 'P1', assignee: 'kai', blocked_by: ['b'] }],
    ['update', { id: 'b', status: 'done' }, 'pixel'],
    ['claim', { id: 'a', agent: 'kai' }],
    ['heartbeat', { id: 'a', agent: 'kai', ttl: 60 }],
    ['update', { id: 'a', priority: null }],
    ['release', { id: 'a', agent: 'kai', reason: 'no time' }],
    ['delete', { id: 'a', agent: 'pixel' }],
  );

  test('says who changed what, when, from what to what, and why; also of what was deleted', async () => {
    const { history, count, ...rest } = await scene.asks('tasks.history', { id: 'a' });
    const shown = history.map(({ actor, type, changes, note }: Json) => [
      actor,
      type,
      changes,
      ...(note ? [note] : []),
    ]);
    expect(shown).toEqual([
      ['link', 'task_created', {}],
      ['kai', 'task_updated', { priority: { to: 'P1' }, assignee: { to: 'kai' }, blocked_by: { to: ['b'] } }],
      ['pixel', 'task_unblocked', {}],
      ['kai', 'task_claimed', { status: { from: 'todo', to: 'doing' } }],
      ['anonymous', 'task_updated', { priority: { from: 'P1' } }],
      ['kai', 'task_released', { status: { from: 'doing', to: 'todo' }, assignee: { from: 'kai' } }, 'no time'],
      ['pixel', 'task_deleted', {}],
    ]);
    expect([count, rest]).toEqual([7, {}]);
    const events = scene.events.filter(({ subject }) => subject === 'a');
    const told = events.filter(({ type }) => !['task_assigned', 'task_lease_renewed'].includes(type));
    expect(history.map(({ seq, at }: Json) => [seq, at])).toEqual(told.map(({ seq, at }) => [seq, at]));
  });

  test('goes on where it ended', async () => {
    const all = (await scene.asks('tasks.history', { id: 'a' })).history;
    const first = await scene.asks('tasks.history', { id: 'a', limit: 3 });
    expect(first).toEqual({ history: all.slice(0, 3), count: 7, more: true, cursor: expect.any(String) });
    const rest = await scene.asks('tasks.history', { id: 'a', cursor: first.cursor });
    expect(rest).toEqual({ history: all.slice(3), count: 7 });
  });

  test('is of a task that there was', async () => {
    for (const operation of ['history', 'runs'])
      await expect(scene.asks(`tasks.${operation}`, { id: 'never' })).rejects.toMatchObject({ code: 'task_not_found' });
  });
});

test('the runs of a task say who tried, when, and what came of it', async () => {
  const first = claimed(board('a', 'b'), 'a', 'kai').scene.when('tasks.fail', { id: 'a', agent: 'kai', reason: 'red' });
  const second = claimed(claimed(first.after, 'b', 'pixel').scene, 'a', 'pixel').scene;
  expect(await second.asks('tasks.runs', { id: 'a' })).toEqual({
    runs: [
      { task: 'a', generation: 1, agent: 'kai', start: T0 + 2, end: T0 + 3, outcome: 'failed', reason: 'red' },
      { task: 'a', generation: 2, agent: 'pixel', start: T0 + 5 },
    ],
    count: 2,
  });
});
