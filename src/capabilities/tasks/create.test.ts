import { describe, expect, test } from 'vitest';
import { given, T0 } from '../../../tests/support/given.ts';
import { board, table } from '../../../tests/support/tasks.ts';

const create = (input: Record<string, unknown>) => given(table).when('tasks.create', { createdBy: 'link', ...input });

describe('a new task', () => {
  test('is todo unless it says otherwise, and has what it was given and nothing else', () => {
    const id = `task-${T0}-xxxxxxxxx`;
    const plain = { id, title: 'x', status: 'todo', createdBy: 'link', createdAt: T0, updatedAt: T0, seq: 1 };
    expect(create({ title: 'x', tags: [], blocked_by: [] }).answer).toEqual({ success: true, task: plain });
    const fields = {
      title: 'All',
      description: 'of it',
      status: 'blocked',
      priority: 'P1',
      reviewer: 'sage',
      tags: ['a'],
      epic_id: 'e',
      channel: 'dev',
      capabilities: ['gpu'],
      due: 5,
      position: 1.5,
      metadata: { deep: [1] },
    };
    expect(create(fields).answer.task).toEqual({ ...plain, ...fields });
  });

  test('is due at a time in milliseconds, or in words that say their zone', () => {
    expect(create({ title: 'x', due: '2026-01-01T01:00:00+01:00' }).answer.task.due).toBe(Date.UTC(2026, 0, 1));
    for (const due of ['2026-01-01T01:00:00', 'tomorrow', -1]) create({ title: 'x', due }).thenRefused('invalid_input');
  });

  test('tells whom it was given to', () => {
    const { events, after } = create({ title: 'x', assignee: 'kai' });
    expect(events.map(({ type }) => type)).toEqual(['task_created', 'task_assigned']);
    expect(after.concerned('kai', 'link')).toEqual(['kai']);
  });

  test('that was begun or ended elsewhere has its times', () => {
    expect(create({ title: 'x', status: 'doing' }).answer.task.startedAt).toBe(T0);
    expect(create({ title: 'x', status: 'done' }).answer.task.completedAt).toBe(T0);
  });

  test('needs a title and a maker, in the words of the original', () => {
    for (const input of [{}, { title: '' }, { title: 'x', createdBy: undefined }])
      create(input).thenRefused('invalid_input', 'title and createdBy are required');
  });

  test('is not done before its reviewer has seen it', () => {
    create({ title: 'x', status: 'done', reviewer: 'sage' }).thenRefused('review_required');
  });

  test('is a part of a task, which it then counts', () => {
    const { answer, after } = board('a').when('tasks.create', { title: 'x', createdBy: 'kai', parent: 'a' });
    expect(answer.task.parent).toBe('a');
    expect(after.entity('tasks', 'a').subtasks).toEqual({ total: 1, done: 0 });
  });
});
