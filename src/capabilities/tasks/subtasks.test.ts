import { expect, test } from 'vitest';
import { board, play } from '../../../tests/support/tasks.ts';

const family = board('parent', 'other', ['one', { parent: 'parent' }], ['two', { parent: 'parent', status: 'done' }]);

test('a parent knows how many parts it has, and how many of them are done', () => {
  expect(family.entity('tasks', 'parent').subtasks).toEqual({ total: 2, done: 1 });
  expect(family.entity('tasks', 'other')).not.toHaveProperty('subtasks');
});

test.each<[string, string, object, object | undefined, object?]>([
  ['a part is added', 'create', { title: 'x', createdBy: 'kai', parent: 'parent' }, { total: 3, done: 1 }],
  ['a part is done', 'update', { id: 'one', status: 'done' }, { total: 2, done: 2 }],
  ['a part is opened again', 'update', { id: 'two', status: 'todo' }, { total: 2, done: 0 }],
  ['a part is cancelled', 'update', { id: 'one', status: 'cancelled' }, { total: 1, done: 1 }],
  ['a part changes otherwise', 'update', { id: 'one', status: 'doing', title: 'New' }, { total: 2, done: 1 }],
  ['a part is deleted', 'delete', { id: 'two' }, { total: 1, done: 0 }],
  ['a part goes to another', 'update', { id: 'two', parent: 'other' }, { total: 1, done: 0 }, { total: 1, done: 1 }],
  [
    'a part goes and is opened',
    'update',
    { id: 'two', parent: 'other', status: 'todo' },
    { total: 1, done: 0 },
    { total: 1, done: 0 },
  ],
  ['a part becomes a whole', 'update', { id: 'one', parent: null }, { total: 1, done: 1 }],
])('it counts anew when %s', (_, operation, input, parent, other) => {
  const scene = play(family, [operation, input as Record<string, unknown>]);
  expect([scene.entity('tasks', 'parent').subtasks, scene.entity('tasks', 'other').subtasks]).toEqual([parent, other]);
});

test('a cancelled part counts again once it is opened, and none are left where the last has gone', () => {
  const scene = play(family, ['update', { id: 'one', status: 'cancelled' }], ['update', { id: 'one', status: 'todo' }]);
  expect(scene.entity('tasks', 'parent').subtasks).toEqual({ total: 2, done: 1 });
  const alone = play(
    scene,
    ['delete', { id: 'one' }],
    ['update', { id: 'two', status: 'todo' }],
    ['update', { id: 'two', status: 'cancelled' }],
  );
  expect(alone.entity('tasks', 'parent')).not.toHaveProperty('subtasks');
});

test('parts outlive their parent', () => {
  const scene = play(family, ['delete', { id: 'parent' }], ['update', { id: 'one', status: 'done' }]);
  expect(scene.entity('tasks', 'one')).toMatchObject({ status: 'done', parent: 'parent' });
});
