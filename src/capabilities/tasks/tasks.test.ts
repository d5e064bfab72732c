import { describe, expect, test } from 'vitest';
import { given } from '../../../tests/support/given.ts';
import { LIST_BYTES } from '../../kernel/page.ts';
import { agents } from '../agents/index.ts';
import { importTasks } from './import.ts';
import { tasks } from './index.ts';

const table = [agents, tasks];
const task = (id: string, more: object = {}) => ({
  id,
  title: `Title of ${id}`,
  status: 'todo',
  createdBy: 'link',
  createdAt: 10,
  updatedAt: 10,
  ...more,
});
const created = (id: string, more: object = {}) => {
  const data = task(id, more);
  return { type: 'task_created', actor: data.createdBy, subject: id, data };
};

describe('importing', () => {
  const full = task('task-1', {
    description: 'All of it',
    status: 'blocked',
    assignee: 'kai',
    priority: 'P0',
    blocked_by: ['task-0'],
    epic_id: 'epic-1',
    tags: ['a', 'b'],
    metadata: { deep: { er: [1, null] } },
  });

  test('a task keeps every field, and its author did it', () => {
    const scene = given(table)
      .when(importTasks, { tasks: [full] })
      .then({ type: 'task_created', actor: 'link', subject: 'task-1', data: full });
    expect(scene.entity('tasks', 'task-1')).toEqual({ ...full, seq: 1 });
    expect(scene.entity('agents', 'link')).toEqual({ name: 'link', firstSeen: 10 });
  });

  test('what is there stays as it is, and what differs is told', () => {
    const decision = given(table, created('a'), created('b')).when(importTasks, {
      tasks: [task('a'), task('b', { title: 'Other' }), task('c')],
    });
    expect(decision.events.map(({ subject }) => subject)).toEqual(['c']);
    expect(decision.answer.outcomes).toEqual(['there', 'differs', 'imported']);
    expect(decision.after.entity('tasks', 'b').title).toBe('Title of b');
  });

  test.each([
    ['a status of its own', { status: 'finished' }],
    ['a priority of its own', { priority: 'urgent' }],
    ['no title', { title: undefined }],
    ['a time that is text', { updatedAt: '2026-01-01' }],
    ['a name that is none', { assignee: 'no name' }],
    ['more than an event holds', { description: 'x'.repeat(300_000) }],
  ])('a task with %s is refused', (_, more) => {
    given(table)
      .when(importTasks, { tasks: [task('a', more)] })
      .thenRefused('invalid_input');
  });
});

describe('listing', () => {
  const scene = given(
    table,
    created('old', { updatedAt: 20, tags: ['x'], priority: 'P1' }),
    created('new', { updatedAt: 40, assignee: 'kai', status: 'doing', tags: ['y', 'z'] }),
    created('mid', { updatedAt: 30, createdBy: 'kai', assignee: 'kai', description: 'Long', metadata: { a: 1 } }),
  );
  const ids = async (input: object) => {
    const { tasks: listed, total } = await scene.asks('tasks.list', input as Record<string, unknown>);
    return [listed.map(({ id }: { id: string }) => id).join(' '), total];
  };

  test.each([
    [{}, 'new mid old', 3],
    [{ status: 'doing' }, 'new', 1],
    [{ assignee: 'kai' }, 'new mid', 2],
    [{ assignedTo: 'kai', status: 'todo' }, 'mid', 1],
    [{ assignee: 'kai', assignedTo: 'link' }, '', 0],
    [{ createdBy: 'link' }, 'new old', 2],
    [{ priority: 'P1' }, 'old', 1],
    [{ tags: 'x, z' }, 'new old', 2],
    [{ tags: 'w' }, '', 0],
    [{ limit: '1', offset: '1' }, 'mid', 3],
    [{ offset: 3 }, '', 3],
  ])('%j gives: %s', async (input, expected, total) => {
    expect(await ids(input)).toEqual([expected, total]);
  });

  test('says that there are more', async () => {
    expect((await scene.asks('tasks.list', { limit: 2 })).more).toBe(true);
    expect((await scene.asks('tasks.list', { limit: 1, offset: 2 })).more).toBeUndefined();
  });

  test('gives short tasks, or the asked fields alone', async () => {
    const compact = await scene.asks('tasks.list', { createdBy: 'kai', compact: '1' });
    expect(compact.tasks[0]).not.toHaveProperty('description');
    expect(compact.tasks[0]).not.toHaveProperty('metadata');
    expect((await scene.asks('tasks.list', { limit: 1, fields: 'id,status' })).tasks).toEqual([
      { id: 'new', status: 'doing' },
    ]);
  });

  test.each(['x'.repeat(200_000), '語'.repeat(70_000)])(
    'stays below a size, and goes on by offset',
    async (description) => {
      const large = { description };
      const big = given(table, ...Array.from({ length: 8 }, (_, i) => created(`t${i}`, large)));
      const first = await big.asks('tasks.list', {});
      expect(first).toMatchObject({ total: 8, more: true });
      expect(Buffer.byteLength(JSON.stringify(first.tasks))).toBeLessThanOrEqual(LIST_BYTES + 2);
      const rest = await big.asks('tasks.list', { offset: first.tasks.length });
      expect(first.tasks.length + rest.tasks.length).toBe(8);
      expect(rest.more).toBeUndefined();
    },
  );
});

test('one task is got by its id, in the words of the original where it is not there', async () => {
  const scene = given(table, created('task-1'));
  expect(await scene.asks('tasks.get', { id: 'task-1' })).toEqual({ task: { ...task('task-1'), seq: 1 } });
  await expect(scene.asks('tasks.get', { id: 'task-2' })).rejects.toMatchObject({
    code: 'task_not_found',
    options: { error: 'Task not found' },
  });
});

test('a task concerns its assignee', () => {
  expect(given(table, created('a', { assignee: 'kai' })).concerned('kai', 'link')).toEqual(['kai']);
});
