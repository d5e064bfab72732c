import { expect, test } from 'vitest';
import { given } from '../../../tests/support/given.ts';
import { board, created, play, table } from '../../../tests/support/tasks.ts';
import { importTasks } from './import.ts';

const task = (id: string, more: object = {}) => created(id, more).data;
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
  expect(scene.entity('agents', 'link')).toEqual({ name: 'link', firstSeen: 10, seq: expect.any(Number) });
});

test('what is there stays as it is, and what differs is told', () => {
  const decision = board('a', 'b').when(importTasks, { tasks: [task('a'), task('b', { title: 'Other' }), task('c')] });
  expect(decision.events.map(({ subject }) => subject)).toEqual(['c']);
  expect(decision.answer.outcomes).toEqual(['there', 'differs', 'imported']);
  expect(decision.after.entity('tasks', 'b').title).toBe('Title of b');
});

test('what only got parts or lost blockers here is the same still', () => {
  const scene = board(['a', { blocked_by: ['b'] }], 'b', ['part', { parent: 'a' }]);
  const { answer } = scene.when(importTasks, { tasks: [task('a', { blocked_by: ['b'] })] });
  expect(answer.outcomes).toEqual(['there']);
});

test('what was deleted here stays deleted', () => {
  const { answer, after } = play(board('a'), ['delete', { id: 'a' }]).when(importTasks, { tasks: [task('a')] });
  expect(answer.outcomes).toEqual(['differs']);
  expect(after.all('tasks')).toEqual([]);
});

test('what comes twice is taken over once', () => {
  const { events, answer } = given(table).when(importTasks, { tasks: [task('a'), task('a')] });
  expect(events).toHaveLength(1);
  expect(answer.outcomes).toEqual(['imported', 'imported']);
});

test('blockers may come after what waits for them', () => {
  const scene = given(table).when(importTasks, { tasks: [task('a', { blocked_by: ['b', 'c'] }), task('b')] }).after;
  expect(scene.entity('tasks', 'a').open_blockers).toBe(1);
  const both = scene.when(importTasks, { tasks: [task('c')] }).after;
  expect(both.entity('tasks', 'a').open_blockers).toBe(2);
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
