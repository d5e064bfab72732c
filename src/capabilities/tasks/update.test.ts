import { describe, expect, test } from 'vitest';
import { board, claimed, play, refusal } from '../../../tests/support/tasks.ts';

const FULL = {
  description: 'Long',
  priority: 'P1',
  assignee: 'kai',
  reviewer: 'sage',
  tags: ['a'],
  blocked_by: ['b'],
  parent: 'p',
  epic_id: 'e',
  channel: 'dev',
  capabilities: ['gpu'],
  due: 5,
  position: 2,
  metadata: { a: 1 },
};
const full = board('p', 'b', ['a', FULL]);

describe('a change', () => {
  test('touches the given fields and no others', () => {
    const before = full.entity('tasks', 'a');
    const { events, after } = full.when('tasks.update', { id: 'a', title: 'New', priority: 'P0' }, 'pixel');
    expect(events).toEqual([
      {
        type: 'task_updated',
        subject: 'a',
        data: {
          id: 'a',
          title: 'New',
          status: 'todo',
          assignee: 'kai',
          changes: { title: 'New', priority: 'P0' },
          was: { priority: 'P1' },
          notify: ['kai'],
        },
      },
    ]);
    const { at, seq } = after.events.at(-1) as { at: number; seq: number };
    expect(after.entity('tasks', 'a')).toEqual({ ...before, title: 'New', priority: 'P0', updatedAt: at, seq });
  });

  test.each(Object.keys(FULL))('takes %s away by null', (field) => {
    const task = play(full, ['update', { id: 'a', [field]: null }]).entity('tasks', 'a');
    expect(Object.keys(FULL).filter((name) => !(name in task))).toEqual([field]);
  });

  test('takes tags and blockers away by an empty list as well', () => {
    const task = play(full, ['update', { id: 'a', tags: [], blocked_by: [] }]).entity('tasks', 'a');
    expect(task).not.toHaveProperty('tags');
    expect(task).not.toHaveProperty('blocked_by');
  });

  test.each(['title', 'status'])('cannot take %s away', (field) => {
    full.when('tasks.update', { id: 'a', [field]: null }).thenRefused('invalid_input');
  });

  test('to what there is already is none', () => {
    full.when('tasks.update', { id: 'a', ...FULL, title: 'Title of a', status: 'todo' }).thenNothing();
    full.when('tasks.update', { id: 'b', description: null, tags: [] }).thenNothing();
  });

  test('of who has it tells the one and the other', () => {
    const { events, after } = full.when('tasks.update', { id: 'a', assignee: 'pixel' });
    expect(events.map(({ type, data }) => [type, data.notify])).toEqual([
      ['task_updated', ['pixel', 'kai']],
      ['task_assigned', ['pixel']],
    ]);
    expect(after.entity('tasks', 'a').seq).toBe(after.events.length);
  });

  test('of the column drops the place in it, unless it gives another', () => {
    const moved = play(full, ['update', { id: 'a', status: 'doing' }]);
    expect(moved.entity('tasks', 'a')).not.toHaveProperty('position');
    for (const position of [7, 2])
      expect(play(full, ['update', { id: 'a', status: 'doing', position }]).entity('tasks', 'a').position).toBe(
        position,
      );
    expect(
      claimed(full.when('tasks.update', { id: 'a', blocked_by: null }).after, 'a', 'kai').scene.entity('tasks', 'a'),
    ).not.toHaveProperty('position');
  });
});

describe('times', () => {
  const times = (scene: ReturnType<typeof board>) => {
    const { startedAt, completedAt } = scene.entity('tasks', 'a');
    return [startedAt, completedAt];
  };
  const at = (scene: ReturnType<typeof board>) => scene.events.at(-1)?.at;

  test('say when it was first begun and last done, and nothing of an end that was taken back', () => {
    const begun = play(board('a'), ['update', { id: 'a', status: 'doing' }]);
    const started = at(begun);
    expect(times(begun)).toEqual([started, undefined]);
    const done = play(begun, ['update', { id: 'a', status: 'done' }]);
    expect(times(done)).toEqual([started, at(done)]);
    expect(times(play(done, ['update', { id: 'a', title: 'New' }]))).toEqual(times(done));
    const again = play(done, ['update', { id: 'a', status: 'todo' }], ['update', { id: 'a', status: 'doing' }]);
    expect(times(again)).toEqual([started, undefined]);
    const cancelled = play(again, ['update', { id: 'a', status: 'cancelled' }]);
    expect(times(cancelled)).toEqual([started, undefined]);
  });
});

describe('while another has a live claim', () => {
  const { scene: held, claim } = claimed(board('a'), 'a', 'kai');
  const run = (scene: typeof held) => scene.all('task_runs')[0];

  test('whoever says no name changes what it likes, as in the original: only not who has it', () => {
    const done = play(held, ['update', { id: 'a', status: 'done' }]);
    expect(done.entity('tasks', 'a')).toMatchObject({ status: 'done', assignee: 'kai' });
    expect(done.entity('tasks', 'a')).not.toHaveProperty('claim');
    expect(run(done)).toMatchObject({ outcome: 'completed' });
    expect(run(play(held, ['update', { id: 'a', status: 'todo' }]))).toMatchObject({ outcome: 'released' });
    for (const assignee of ['pixel', null])
      expect(refusal(held.when('tasks.update', { id: 'a', assignee }), 'TASK_ALREADY_ASSIGNED')).toMatchObject({
        assignee: 'kai',
        expiresAt: claim.expiresAt,
      });
  });

  test('whoever says another name changes what does not take it away', () => {
    const kept = play(held, ['update', { id: 'a', agent: 'pixel', priority: 'P0', assignee: 'kai', status: 'doing' }]);
    expect(kept.entity('tasks', 'a')).toMatchObject({ priority: 'P0', claim });
    for (const change of [{ assignee: 'pixel' }, { assignee: null }, { status: 'done' }, { status: 'todo' }])
      held.when('tasks.update', { id: 'a', agent: 'pixel', ...change }).thenRefused('TASK_ALREADY_ASSIGNED');
  });

  test.each([
    ['who has it', { assignee: 'pixel' }, { status: 'todo', assignee: 'pixel' }],
    ['where it stands', { status: 'todo' }, { status: 'todo', assignee: 'kai' }],
  ])('whoever says so takes it over by changing %s; the run ends so, and the holder is told', (_, change, expected) => {
    const taken = play(held, ['update', { id: 'a', agent: 'pixel', takeover: '1', ...change }]);
    expect(taken.entity('tasks', 'a')).toMatchObject(expected);
    expect(taken.entity('tasks', 'a')).not.toHaveProperty('claim');
    expect(run(taken)).toMatchObject({ agent: 'kai', outcome: 'taken_over' });
    expect(taken.events.find(({ type }) => type === 'task_updated')?.data.notify).toContain('kai');
  });

  test('saying so takes nothing where nothing is taken', () => {
    const kept = play(held, ['update', { id: 'a', agent: 'pixel', takeover: true, title: 'New' }]);
    expect(kept.entity('tasks', 'a')).toMatchObject({ title: 'New', claim });
  });

  test('a claim that is over protects nothing, also before the server has ended it', () => {
    const over = held.later(900_000);
    expect(play(over, ['update', { id: 'a', agent: 'pixel', status: 'done' }]).entity('tasks', 'a').status).toBe(
      'done',
    );
  });

  test('it is deleted by the holder, by whoever says no name, and by whoever says so; by no other', () => {
    held.when('tasks.delete', { id: 'a', agent: 'pixel' }).thenRefused('TASK_ALREADY_ASSIGNED');
    for (const who of [{ agent: 'kai' }, { claim: claim.id }, {}, { agent: 'pixel', takeover: true }])
      expect(run(play(held, ['delete', { id: 'a', ...who }]))).toMatchObject({ outcome: 'deleted' });
  });
});

describe('a deleted task', () => {
  const gone = play(board(['a', { assignee: 'kai' }]), ['delete', { id: 'a', agent: 'pixel' }]);

  test('leaves a tombstone that says who and when, and tells its assignee', () => {
    expect(gone.all('tasks')).toEqual([]);
    expect(gone.concerned('kai', 'link')).toEqual(['kai']);
    const { at } = gone.events.at(-1) as { at: number };
    expect(refusal(gone.when('tasks.update', { id: 'a', title: 'x' }), 'task_deleted')).toEqual({
      deletedAt: at,
      deletedBy: 'pixel',
    });
  });

  test.each(['update', 'delete', 'release', 'comment'])('is gone for %s, in the words of the original', (operation) => {
    gone
      .when(`tasks.${operation}`, { id: 'a', ...(operation === 'comment' && { author: 'kai', content: 'x' }) })
      .thenRefused('task_deleted', 'Task not found');
  });
});

describe('what the task names already', () => {
  test('may be named again when it is gone meanwhile', () => {
    const gone = play(
      board('a', 'b', ['c', { blocked_by: ['a'], parent: 'b' }]),
      ['delete', { id: 'a' }],
      ['delete', { id: 'b' }],
    );
    const more = play(gone, ['update', { id: 'c', blocked_by: ['a'], parent: 'b', title: 'New' }]);
    expect(more.entity('tasks', 'c').title).toBe('New');
    gone.when('tasks.update', { id: 'c', blocked_by: ['a', 'x'] }).thenRefused('unknown_task');
  });

  test('may come as it was read, the claim as an object', () => {
    const { scene, claim } = claimed(board('a'), 'a', 'kai');
    const read = scene.entity('tasks', 'a');
    expect(play(scene, ['update', { ...read, status: 'done' }]).entity('tasks', 'a').status).toBe('done');
    scene.when('tasks.update', { ...read, claim: { ...claim, id: 'old' } }).thenRefused('stale_claim');
  });
});

test('what was blocked by others alone is todo when its blockers are taken away, and its assignee is told', () => {
  const scene = board('a', ['b', { blocked_by: ['a'], status: 'blocked', assignee: 'kai' }]);
  const { events, after } = scene.when('tasks.update', { id: 'b', blocked_by: [] });
  expect(events.map(({ type }) => type)).toEqual(['task_updated', 'task_unblocked']);
  expect(after.entity('tasks', 'b').status).toBe('todo');
  expect(after.concerned('kai', 'link')).toEqual(['kai']);
});
