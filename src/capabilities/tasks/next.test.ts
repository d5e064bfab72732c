import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Scene } from '../../../tests/support/given.ts';
import { board, play } from '../../../tests/support/tasks.ts';

/** The ids that agents are given one after another until there are none. */
function drain(scene: Scene, input: Record<string, unknown> = {}): string {
  const ids: string[] = [];
  for (let left = scene; ; ) {
    const { answer, after } = left.when('tasks.next', { agent: 'kai', claim: '1', ...input });
    if (answer.task === null) return ids.join(' ');
    ids.push(answer.task.id);
    left = after;
  }
}

const offered = (scene: Scene, input: Record<string, unknown> = {}) => scene.when('tasks.next', input).answer.task?.id;

describe('the next task', () => {
  test('is the most urgent, then what is due first, then the oldest', () => {
    const scene = board(
      'none',
      ['p3', { priority: 'P3', createdAt: 9 }],
      ['p3-due', { priority: 'P3', due: 9_000, createdAt: 11 }],
      ['p1-young', { priority: 'P1', createdAt: 12 }],
      ['p1-old', { priority: 'P1', createdAt: 8 }],
      ['p1-soon', { priority: 'P1', due: 7_000 }],
      ['p1-later', { priority: 'P1', due: 8_000, createdAt: 1 }],
      ['p0', { priority: 'P0', createdAt: 99 }],
      ['p2', { priority: 'P2' }],
    );
    expect(drain(scene)).toBe('p0 p1-soon p1-later p1-old p1-young p2 p3-due p3 none');
  });

  test('is nobody’s, or was given to whoever asks: both in one order', () => {
    const scene = board(
      ['mine-3', { assignee: 'kai', createdAt: 13 }],
      ['free-2', { createdAt: 12 }],
      ['other', { assignee: 'pixel', createdAt: 11 }],
      ['mine-1', { assignee: 'kai' }],
    );
    expect(drain(scene)).toBe('mine-1 free-2 mine-3');
    expect(offered(scene)).toBe('free-2');
    expect(offered(scene, { agent: 'pixel' })).toBe('other');
  });

  test('is todo, and waits for nothing', () => {
    const others = ['doing', 'blocked', 'validating', 'done', 'cancelled'].map((status): [string, object] => [
      status,
      { status },
    ]);
    const scene = board(...others, ['waits', { blocked_by: ['doing'] }], ['free', { blocked_by: ['done'] }]);
    expect(drain(scene)).toBe('free');
    expect(drain(play(scene, ['update', { id: 'doing', status: 'cancelled' }]))).toBe('free waits');
  });

  test.each([
    [{ tags: 'a' }, 'ab'],
    [{ tags: 'c, b' }, 'ab bc'],
    [{ tags: ['c'] }, 'bc'],
    [{ tags: '' }, 'ab bc gpu'],
    [{ channel: 'dev' }, 'bc'],
    [{ capabilities: '' }, 'ab bc'],
    [{ capabilities: 'gpu' }, 'ab bc'],
    [{ capabilities: 'net,gpu' }, 'ab bc gpu'],
    [{ capabilities: ['gpu', 'net'], tags: 'x' }, 'gpu'],
    [{ tags: 'none' }, ''],
  ])('suits %j: %s', (wanted, ids) => {
    const scene = board(
      ['ab', { tags: ['a', 'b'] }],
      ['bc', { tags: ['b', 'c'], channel: 'dev', createdAt: 11 }],
      ['gpu', { tags: ['x'], capabilities: ['gpu', 'net'], createdAt: 12 }],
    );
    expect(drain(scene, wanted)).toBe(ids);
  });

  test('is the first of what may be taken, as naive sorting finds it', () => {
    const task = fc.record({
      priority: fc.constantFrom(undefined, 'P0', 'P1', 'P3'),
      due: fc.option(fc.nat(3), { nil: undefined }),
      createdAt: fc.nat(3),
      status: fc.constantFrom('todo', 'todo', 'doing'),
      assignee: fc.constantFrom(undefined, undefined, 'kai', 'pixel'),
    });
    fc.assert(
      fc.property(fc.array(task, { maxLength: 12 }), (made) => {
        const all = made.map((each, i) => ({
          ...JSON.parse(JSON.stringify(each)),
          id: `t${String(i).padStart(2, '0')}`,
        }));
        const expected = all
          .filter(({ status, assignee }) => status === 'todo' && assignee !== 'pixel')
          .sort(
            (a, b) =>
              (a.priority ?? 'P3').localeCompare(b.priority ?? 'P3') ||
              (a.due ?? 9) - (b.due ?? 9) ||
              a.createdAt - b.createdAt ||
              a.id.localeCompare(b.id),
          );
        expect(drain(board(...all.map((each): [string, object] => [each.id, each])))).toBe(
          expected.map(({ id }) => id).join(' '),
        );
      }),
      { numRuns: 60 },
    );
  });
});

describe('asking for it', () => {
  test('claims nothing unless it says so', () => {
    for (const input of [{ agent: 'kai' }, { agent: 'kai', claim: '0' }, {}]) {
      const decision = board('a').when('tasks.next', input);
      expect(decision.answer).toEqual({ success: true, task: expect.objectContaining({ id: 'a', status: 'todo' }) });
      decision.thenNothing();
    }
  });

  test('with claim is claiming it', () => {
    const { events, answer } = board('a').when('tasks.next', { agent: 'kai', claim: true, ttl: 60 });
    expect(events).toMatchObject([{ type: 'task_claimed', data: { changes: { status: 'doing', assignee: 'kai' } } }]);
    expect(answer).toMatchObject({ task: { id: 'a', claim: { agent: 'kai' } }, claim: { agent: 'kai', ttl: 60 } });
  });

  test('where there is none is answered in the words of the original', () => {
    for (const claim of [true, false])
      expect(board().when('tasks.next', { agent: 'kai', claim }).answer).toEqual({
        success: true,
        task: null,
        message: 'No available tasks',
      });
  });

  test('to claim it needs an agent', () => {
    board('a').when('tasks.next', { claim: '1' }).thenRefused('invalid_input', 'agent is required to claim');
  });
});

test('the backlog is what anybody may take, in the order of the queue', async () => {
  const scene = board(
    'a',
    ['b', { priority: 'P0' }],
    ['c', { assignee: 'kai' }],
    ['d', { status: 'doing' }],
    ['e', { blocked_by: ['a'] }],
  );
  expect(await scene.asks('tasks.backlog', { fields: 'id' })).toEqual({ tasks: [{ id: 'b' }, { id: 'a' }], count: 2 });
  expect(await scene.asks('tasks.backlog', { fields: 'id', limit: 1 })).toEqual({
    tasks: [{ id: 'b' }],
    count: 2,
    more: true,
  });
});
