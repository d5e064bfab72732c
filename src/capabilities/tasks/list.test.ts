import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Json } from '../../../tests/support/node.ts';
import { board, play } from '../../../tests/support/tasks.ts';
import { LIST_BYTES } from '../../kernel/page.ts';

const scene = board(
  ['old', { updatedAt: 20, tags: ['x'], priority: 'P1' }],
  ['new', { updatedAt: 40, assignee: 'kai', status: 'doing', tags: ['y', 'z'], due: 7, reviewer: 'sage' }],
  [
    'mid',
    {
      updatedAt: 30,
      createdBy: 'kai',
      assignee: 'kai',
      description: 'Long',
      metadata: { a: 1 },
      blocked_by: ['old'],
      channel: 'dev',
    },
  ],
);
const ids = ({ tasks }: Json): string[] => tasks.map(({ id }: Json) => id);

describe('listing', () => {
  test.each([
    [{}, 'new mid old'],
    [{ status: 'doing' }, 'new'],
    [{ status: 'doing,todo' }, 'new mid old'],
    [{ assignee: 'kai' }, 'new mid'],
    [{ assignedTo: 'kai', status: 'todo' }, 'mid'],
    [{ assignee: 'kai', assignedTo: 'link' }, ''],
    [{ createdBy: 'link' }, 'new old'],
    [{ priority: 'P1' }, 'old'],
    [{ tags: 'x, z' }, 'new old'],
    [{ tags: 'y,z' }, 'new'],
    [{ tags: 'w' }, ''],
    [{ blocked: '1' }, 'mid'],
    [{ blocked: '0' }, 'new old'],
    [{ since: '30' }, 'new mid'],
    [{ due_before: 8 }, 'new'],
    [{ due_before: 7 }, ''],
    [{ channel: 'dev' }, 'mid'],
    [{ reviewer: 'sage' }, 'new'],
    [{ sort: 'priority' }, 'old new mid'],
    [{ sort: 'due' }, 'new mid old'],
    [{ order: 'reverse' }, 'old mid new'],
  ])('%j gives: %s', async (input, expected) => {
    const answer = await scene.asks('tasks.list', input);
    expect(ids(answer).join(' ')).toBe(expected);
    expect(answer.total).toBe(ids(answer).length);
  });

  test.each([{ status: 'open' }, { status: 'todo,' }, { sort: 'age' }, { offset: -1 }, { priority: 'P9' }])(
    'by %j is refused',
    async (input) => {
      await expect(scene.asks('tasks.list', input)).rejects.toMatchObject({ code: 'invalid_input' });
    },
  );

  test('gives short tasks, or the asked fields alone', async () => {
    const compact = await scene.asks('tasks.list', { createdBy: 'kai', compact: '1' });
    expect(compact.tasks[0]).not.toHaveProperty('description');
    expect(compact.tasks[0]).not.toHaveProperty('metadata');
    expect((await scene.asks('tasks.list', { limit: 1, fields: 'id,status' })).tasks).toEqual([
      { id: 'new', status: 'doing' },
    ]);
  });

  test('goes on where it ended, also where what it ended with has changed meanwhile', async () => {
    const { cursor } = await scene.asks('tasks.list', { limit: 1 });
    const later = play(scene, ['update', { id: 'new', title: 'Newest' }]);
    expect(ids(await later.asks('tasks.list', { limit: 1, cursor }))).toEqual(['mid']);
    for (const sort of ['created', 'priority'])
      await expect(scene.asks('tasks.list', { sort, cursor })).rejects.toMatchObject({ code: 'invalid_cursor' });
    for (const wrong of ['x', Buffer.from('5').toString('base64url'), Buffer.from('["updated"]').toString('base64url')])
      await expect(scene.asks('tasks.list', { cursor: wrong })).rejects.toMatchObject({ code: 'invalid_cursor' });
  });

  test.each(['x'.repeat(200_000), '語'.repeat(70_000)])(
    'stays below a size, and goes on by offset or cursor',
    async (description) => {
      const big = board(...Array.from({ length: 8 }, (_, i): [string, object] => [`t${i}`, { description }]));
      const first = await big.asks('tasks.list', {});
      expect(first).toMatchObject({ total: 8, more: true });
      expect(Buffer.byteLength(JSON.stringify(first.tasks))).toBeLessThanOrEqual(LIST_BYTES + 2);
      for (const place of [{ offset: first.tasks.length }, { cursor: first.cursor }]) {
        const rest = await big.asks('tasks.list', place);
        expect([...ids(first), ...ids(rest)]).toEqual(['t0', 't1', 't2', 't3', 't4', 't5', 't6', 't7']);
        expect(rest.more).toBeUndefined();
      }
    },
  );
});

test('one task is got by its id, in the words of the original where it is not there', async () => {
  expect(await board('a').asks('tasks.get', { id: 'a' })).toEqual({
    task: { id: 'a', title: 'Title of a', status: 'todo', createdBy: 'link', createdAt: 10, updatedAt: 10, seq: 1 },
  });
  await expect(scene.asks('tasks.get', { id: 'none' })).rejects.toMatchObject({
    code: 'task_not_found',
    options: { error: 'Task not found' },
  });
});

const few = <T>(...values: T[]) => fc.constantFrom(undefined, ...values);
const task = fc.record({
  status: fc.constantFrom('todo', 'doing', 'done'),
  assignee: few('kai', 'pixel'),
  createdBy: fc.constantFrom('kai', 'pixel'),
  priority: few('P0', 'P2', 'P3'),
  tags: fc.uniqueArray(fc.constantFrom('a', 'b', 'c')),
  epic_id: few('e'),
  channel: few('dev'),
  reviewer: few('sage'),
  blocked_by: few(['t00'], ['t00', 't01']),
  due: few(1, 2, 3),
  createdAt: fc.nat(3),
  updatedAt: fc.nat(3),
});
const query = fc.record({
  filter: fc.record(
    {
      status: fc.constantFrom('todo', 'doing,done'),
      assignee: fc.constantFrom('kai', 'link'),
      assignedTo: fc.constant('kai'),
      createdBy: fc.constant('kai'),
      priority: fc.constantFrom('P0', 'P3'),
      tags: fc.constantFrom('a', 'b,c', 'a,a'),
      epic_id: fc.constant('e'),
      channel: fc.constant('dev'),
      reviewer: fc.constant('sage'),
      blocked: fc.boolean(),
      since: fc.nat(3),
      due_before: fc.integer({ min: 1, max: 3 }),
    },
    { requiredKeys: [] },
  ),
  sort: fc.constantFrom('updated', 'created', 'priority', 'due'),
  order: fc.constantFrom('forward', 'reverse'),
  limit: fc.integer({ min: 1, max: 4 }),
  offset: fc.nat(5),
});

/** The same by looking at every task. */
function naively(tasks: Json[], filter: Json, sort: string, order: string): string[] {
  const isOpen = (id: string) => tasks.some((each) => each.id === id && each.status !== 'done');
  const matches = tasks.filter(
    (each) =>
      (filter.status?.split(',').includes(each.status) ?? true) &&
      ['assignee', 'createdBy', 'priority', 'epic_id', 'channel', 'reviewer'].every(
        (field) => filter[field] === undefined || filter[field] === each[field],
      ) &&
      (filter.assignedTo === undefined || filter.assignedTo === each.assignee) &&
      (filter.tags?.split(',').some((tag: string) => each.tags?.includes(tag)) ?? true) &&
      (filter.blocked === undefined || filter.blocked === (each.blocked_by ?? []).some(isOpen)) &&
      (filter.since === undefined || each.updatedAt >= filter.since) &&
      (filter.due_before === undefined || (each.due !== undefined && each.due < filter.due_before)),
  );
  const by: Record<string, (each: Json) => number[]> = {
    updated: ({ updatedAt, createdAt }) => [-updatedAt, -createdAt],
    created: ({ createdAt }) => [-createdAt],
    priority: ({ priority, updatedAt }) => [Number((priority ?? 'P3')[1]), -updatedAt],
    due: ({ due }) => [due ?? Number.POSITIVE_INFINITY],
  };
  const keys = by[sort] as (each: Json) => number[];
  const compare = (a: Json, b: Json) => {
    const at = keys(a).findIndex((part, i) => part !== keys(b)[i]);
    return at === -1 ? a.id.localeCompare(b.id) : (keys(a)[at] as number) - (keys(b)[at] as number);
  };
  matches.sort((a, b) => (order === 'forward' ? compare(a, b) : compare(b, a)));
  return matches.map(({ id }) => id);
}

test('every page of every list is what looking at every task gives', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(task, { maxLength: 14 }),
      fc.array(query, { minLength: 1, maxLength: 8 }),
      async (made, queries) => {
        // JSON has no undefined.
        const all: Json[] = made.map((each, i) =>
          JSON.parse(JSON.stringify({ ...each, id: `t${String(i).padStart(2, '0')}` })),
        );
        const listed = board(...all.map((each): [string, object] => [each.id, each]));
        for (const { filter, sort, order, limit, offset } of queries) {
          const expected = naively(all, filter, sort, order);
          const asked = { ...filter, sort, order, limit };
          const part = await listed.asks('tasks.list', { ...asked, offset });
          expect(ids(part)).toEqual(expected.slice(offset, offset + limit));
          expect([part.total, part.more ?? false]).toEqual([expected.length, expected.length > offset + limit]);
          const walked: string[] = [];
          for (let cursor: string | undefined; ; ) {
            const page = await listed.asks('tasks.list', { ...asked, cursor });
            walked.push(...ids(page));
            expect(page.total).toBe(expected.length);
            if (!page.more) break;
            cursor = page.cursor;
          }
          expect(walked).toEqual(expected);
        }
      },
    ),
    { numRuns: 150 },
  );
});
