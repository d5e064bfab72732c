import { describe, expect, test } from 'vitest';
import type { Scene } from '../../../tests/support/given.ts';
import { board, play, refusal } from '../../../tests/support/tasks.ts';

const open = (scene: Scene, id: string) => scene.entity('tasks', id).open_blockers;
const types = (events: readonly { type: string }[]) => events.map(({ type }) => type);

describe('naming tasks', () => {
  const scene = play(board('a', 'gone'), ['delete', { id: 'gone' }]);

  test.each(['blocked_by', 'parent'])(
    'in %s that are not there, or not any more, is refused and says which',
    (field) => {
      for (const id of ['never', 'gone']) {
        const value = field === 'parent' ? id : ['a', id];
        const create = scene.when('tasks.create', { title: 'x', createdBy: 'kai', [field]: value });
        expect(refusal(create, 'unknown_task')).toEqual({ unknown: [id] });
        expect(refusal(scene.when('tasks.update', { id: 'a', [field]: value }), 'unknown_task')).toEqual({
          unknown: [id],
        });
      }
    },
  );

  test('twice is naming them once', () => {
    const { answer } = scene.when('tasks.create', { title: 'x', createdBy: 'kai', blocked_by: ['a', 'a'] });
    expect(answer.task).toMatchObject({ blocked_by: ['a'], open_blockers: 1 });
  });

  test('that more than 500 would wait for is refused; whoever waits already may go on', () => {
    const crowd = board(
      'a',
      'late',
      ...Array.from({ length: 500 }, (_, i): [string, object] => [`t${i}`, { blocked_by: ['a'] }]),
    );
    crowd.when('tasks.update', { id: 'late', blocked_by: ['a'] }).thenRefused('too_many_dependents');
    crowd.when('tasks.create', { title: 'x', createdBy: 'kai', blocked_by: ['a'] }).thenRefused('too_many_dependents');
    expect(crowd.when('tasks.update', { id: 't3', blocked_by: ['late', 'a'] }).events).toHaveLength(1);
  });
});

describe('a cycle is refused and named', () => {
  const chain = board('a', ['b', { blocked_by: ['a'] }], ['c', { blocked_by: ['b'] }]);
  const family = board('a', ['b', { parent: 'a' }], ['c', { parent: 'b' }]);

  test.each([
    ['blocked_by', chain, ['a'], ['a', 'a']],
    ['blocked_by', chain, ['b'], ['a', 'b', 'a']],
    ['blocked_by', chain, ['c'], ['a', 'c', 'b', 'a']],
    ['parent', family, 'a', ['a', 'a']],
    ['parent', family, 'b', ['a', 'b', 'a']],
    ['parent', family, 'c', ['a', 'c', 'b', 'a']],
  ])('in %s, of length %#', (field, scene, value, cycle) => {
    const decision = scene.when('tasks.update', { id: 'a', [field]: value });
    expect(refusal(decision, 'dependency_cycle')).toEqual({ cycle });
  });

  test('and one that came with an import, and that it is not in, is none of its business', () => {
    const scene = board('a', ['b', { blocked_by: ['c'] }], ['c', { blocked_by: ['b'] }]);
    expect(open(play(scene, ['update', { id: 'a', blocked_by: ['b'] }]), 'a')).toBe(1);
  });

  test('and two ways to one task are none', () => {
    const diamond = play(chain, ['update', { id: 'c', blocked_by: ['a', 'b'] }]);
    expect(open(diamond, 'c')).toBe(2);
  });
});

describe('a task that waits', () => {
  const scene = board('a', 'b', ['waits', { blocked_by: ['a', 'b'], assignee: 'kai' }]);

  test('says for how many, and cannot be claimed: the refusal names them', () => {
    expect(open(scene, 'waits')).toBe(2);
    const claim = scene.when('tasks.claim', { id: 'waits', agent: 'kai' });
    expect(refusal(claim, 'task_blocked')).toEqual({ blockers: ['a', 'b'] });
  });

  const ends: [string, string, object][] = [
    ['done', 'update', { status: 'done' }],
    ['cancelled', 'update', { status: 'cancelled' }],
    ['deleted', 'delete', {}],
  ];
  test.each(ends)('is free when the last of them is %s, and its assignee is told', (_, operation, input) => {
    const one = scene.when(`tasks.${operation}`, { id: 'a', ...input });
    expect(types(one.events)).not.toContain('task_unblocked');
    expect(open(one.after, 'waits')).toBe(1);
    const last = one.after.when(`tasks.${operation}`, { id: 'b', ...input }, 'pixel');
    expect(last.events.at(-1)).toEqual({
      type: 'task_unblocked',
      subject: 'waits',
      data: { id: 'waits', title: 'Title of waits', status: 'todo', assignee: 'kai', notify: ['kai'], blocker: 'b' },
    });
    expect(last.after.concerned('kai', 'pixel')).toEqual(['kai']);
    expect(open(last.after, 'waits')).toBeUndefined();
    expect(last.after.when('tasks.claim', { id: 'waits', agent: 'kai' }).answer.task.status).toBe('doing');
  });

  test('waits again when one of them is opened again', () => {
    const free = play(scene, ['update', { id: 'a', status: 'done' }], ['update', { id: 'b', status: 'cancelled' }]);
    expect(open(play(free, ['update', { id: 'b', status: 'todo' }]), 'waits')).toBe(1);
  });

  test('is told nothing where it is over itself, or what it waited for was so before', () => {
    const over = play(scene, ['update', { id: 'waits', status: 'cancelled' }], ['update', { id: 'a', status: 'done' }]);
    expect(types(over.when('tasks.update', { id: 'b', status: 'done' }).events)).toEqual(['task_updated']);
    const ended = play(scene, ['update', { id: 'a', status: 'done' }], ['update', { id: 'b', status: 'done' }]);
    expect(types(ended.when('tasks.delete', { id: 'b' }).events)).toEqual(['task_deleted']);
    const half = play(scene, ['update', { id: 'a', status: 'done' }]);
    expect(types(half.when('tasks.update', { id: 'a', title: 'New' }).events)).toEqual(['task_updated']);
    expect(types(half.when('tasks.delete', { id: 'a' }).events)).toEqual(['task_deleted']);
  });

  test('waits for what it names now, and not for what it named before', () => {
    const done = board(['a', { status: 'done' }], 'b', 'c', ['waits', { blocked_by: ['b'] }]);
    expect(open(done, 'waits')).toBe(1);
    const other = play(done, ['update', { id: 'waits', blocked_by: ['a', 'c'] }]);
    expect(open(other, 'waits')).toBe(1);
    expect(types(other.when('tasks.update', { id: 'b', status: 'done' }).events)).toEqual(['task_updated']);
    expect(types(other.when('tasks.update', { id: 'c', status: 'done' }).events)).toContain('task_unblocked');
    const both = play(
      other,
      ['update', { id: 'waits', blocked_by: ['b', 'c'] }],
      ['update', { id: 'c', status: 'done' }],
    );
    expect(open(both, 'waits')).toBe(1);
    const none = play(both, ['update', { id: 'waits', blocked_by: null }]);
    expect(open(none, 'waits')).toBeUndefined();
    expect(none.all('task_dependents')).toEqual([]);
    expect(play(both, ['delete', { id: 'waits' }]).all('task_dependents')).toEqual([]);
  });
});

describe('a task with the status blocked', () => {
  const waiting = { blocked_by: ['a'], status: 'blocked' };

  test('is todo again, with no place of its own, when it stood so for what it waited for', () => {
    const { events, after: scene } = board('a', ['waits', { ...waiting, position: 3 }]).when('tasks.update', {
      id: 'a',
      status: 'done',
    });
    expect(events.at(-1)?.data).toMatchObject({
      status: 'todo',
      changes: { status: 'todo' },
      was: { status: 'blocked' },
    });
    expect(scene.entity('tasks', 'waits')).toMatchObject({ status: 'todo' });
    expect(scene.entity('tasks', 'waits')).not.toHaveProperty('position');
  });

  test('stays so where it waits for a person, who must set it free', () => {
    const failed = board('a', ['waits', { ...waiting, blocked_reason: '3 failed runs', failed_runs: 3 }]);
    const { events, after: scene } = failed.when('tasks.update', { id: 'a', status: 'done' });
    expect(events.at(-1)).toMatchObject({ type: 'task_unblocked', data: { status: 'blocked' } });
    expect(scene.entity('tasks', 'waits').status).toBe('blocked');
    const claim = scene.when('tasks.claim', { id: 'waits', agent: 'kai' });
    expect(refusal(claim, 'task_blocked')).toEqual({ blockers: [] });
  });
});
