import { expect, test } from 'vitest';
import { T0 } from '../../../tests/support/given.ts';
import { board } from '../../../tests/support/tasks.ts';

const DAY = 86_400_000;
/** Done so many milliseconds after it was begun, or created. */
const done = (id: string, took: number, at: number, more: object = {}): [string, object] => [
  id,
  { status: 'done', createdAt: at - took, startedAt: at - took, completedAt: at, ...more },
];

test('counts by status and agent; times and throughput of what was done in these days', async () => {
  const scene = board(
    'a',
    ['b', { assignee: 'kai' }],
    ['c', { assignee: 'kai', status: 'doing' }],
    ...Array.from({ length: 9 }, (_, i) => done(`d${i}`, (i + 1) * 10, DAY + i, { assignee: 'pixel' })),
    done('waited', 100, 2 * DAY, { createdAt: 0 }),
  ).later(2 * DAY - T0);
  expect(await scene.asks('tasks.analytics', {})).toEqual({
    total: 13,
    byStatus: { todo: 2, doing: 1, done: 10 },
    byAgent: { kai: { todo: 1, doing: 1 }, pixel: { done: 9 } },
    unassigned: 2,
    cycleTime: { count: 10, mean: 55, p50: 50, p90: 90 },
    throughput: [
      { day: '1970-01-02', done: 9 },
      { day: '1970-01-03', done: 1 },
    ],
    days: 30,
  });
  const { cycleTime, throughput } = await scene.later(DAY - 1_000).asks('tasks.analytics', { days: 1 });
  expect([cycleTime.count, throughput]).toEqual([1, [{ day: '1970-01-03', done: 1 }]]);
});

test('an empty board has no times', async () => {
  expect(await board().asks('tasks.analytics', { days: 7 })).toEqual({
    total: 0,
    byStatus: {},
    byAgent: {},
    unassigned: 0,
    cycleTime: { count: 0, mean: null, p50: null, p90: null },
    throughput: [],
    days: 7,
  });
});
