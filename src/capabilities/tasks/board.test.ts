import { describe, expect, test, vi } from 'vitest';
import type { Scene } from '../../../tests/support/given.ts';
import type { Json } from '../../../tests/support/node.ts';
import { board, play } from '../../../tests/support/tasks.ts';
import { LiveCollection } from '../../kernel/collection.ts';

/** The columns as `status: ids`, those that hold something. */
async function columns(scene: Scene, input: Record<string, unknown> = {}): Promise<Record<string, string>> {
  const answer = await scene.asks('tasks.board', input);
  const filled = answer.columns.filter(({ count }: Json) => count > 0);
  return Object.fromEntries(
    filled.map(({ status, tasks }: Json) => [status, tasks.map(({ id }: Json) => id).join(' ')]),
  );
}

describe('the board', () => {
  test('has every column, in the order in which work goes through them', async () => {
    const answer = await board().asks('tasks.board', {});
    expect(answer.columns).toEqual(
      ['todo', 'doing', 'blocked', 'validating', 'done', 'cancelled'].map((status) => ({
        status,
        count: 0,
        tasks: [],
      })),
    );
  });

  test('without a filter looks at no more tasks than it shows, and at one more of each column', async () => {
    const scene = board(...Array.from({ length: 50 }, (_, i) => `t${i}`));
    const walk = LiveCollection.prototype.inOrder;
    let looked = 0;
    const spy = vi.spyOn(LiveCollection.prototype, 'inOrder').mockImplementation(function* (
      this: LiveCollection<object>,
      ...place
    ) {
      for (const task of walk.apply(this, place)) {
        looked++;
        yield task;
      }
    });
    try {
      const { columns: shown } = await scene.asks('tasks.board', { limit: 5 });
      expect(shown[0]).toMatchObject({ status: 'todo', count: 50, more: true });
      expect(looked).toBe(6);
    } finally {
      spy.mockRestore();
    }
  });

  test('shows first what has a place, then the most urgent; what is over, newest first', async () => {
    const over = { status: 'done', updatedAt: 20 };
    const scene = board(
      'c',
      ['b', { priority: 'P2' }],
      ['a', { priority: 'P0', createdAt: 11 }],
      ['last', { position: 2 }],
      ['first', { position: -1, priority: 'P3' }],
      ['old', { ...over, priority: 'P0' }],
      ['new', { ...over, updatedAt: 30 }],
      ['pinned', { ...over, updatedAt: 10, position: 0 }],
      ['x', { status: 'doing' }],
    );
    expect(await columns(scene)).toEqual({ todo: 'first last a b c', doing: 'x', done: 'pinned new old' });
  });

  test('follows what is moved: a place is a place in one column', async () => {
    const scene = play(
      board('a', 'b', 'c'),
      ['update', { id: 'c', position: 1 }],
      ['update', { id: 'b', position: 0.5 }],
      ['update', { id: 'a', status: 'doing', position: 4 }],
    );
    expect(await columns(scene)).toEqual({ todo: 'b c', doing: 'a' });
    const moved = play(scene, ['update', { id: 'a', status: 'todo' }], ['update', { id: 'c', position: 0 }]);
    expect(await columns(moved)).toEqual({ todo: 'c b a' });
    expect(await columns(play(moved, ['delete', { id: 'c' }]))).toEqual({ todo: 'b a' });
  });

  test.each([
    [{ assignee: 'kai' }, { todo: 'a', doing: 'b' }],
    [{ tags: 'x,y', priority: 'P1' }, { todo: 'a' }],
    [{ createdBy: 'pixel', reviewer: 'sage', channel: 'dev', epic_id: 'e', parent: 'a' }, { doing: 'b' }],
    [{ channel: 'none' }, {}],
  ])('shows those that match %j, and counts no others', async (filter, expected) => {
    const scene = board(
      ['a', { assignee: 'kai', tags: ['x'], priority: 'P1' }],
      [
        'b',
        {
          assignee: 'kai',
          status: 'doing',
          tags: ['y'],
          createdBy: 'pixel',
          reviewer: 'sage',
          channel: 'dev',
          epic_id: 'e',
          parent: 'a',
        },
      ],
      ['c', { tags: ['z'], priority: 'P1' }],
    );
    expect(await columns(scene, filter)).toEqual(expected);
  });

  test('shows as many of a column as it is asked for, and says that there are more', async () => {
    const scene = board('a', 'b', 'c', 'e', ['d', { status: 'done' }]);
    const [todo, , , , done] = (await scene.asks('tasks.board', { limit: 2, fields: 'id' })).columns;
    expect(todo).toEqual({ status: 'todo', count: 4, tasks: [{ id: 'a' }, { id: 'b' }], more: true });
    expect(done).toEqual({ status: 'done', count: 1, tasks: [{ id: 'd' }] });
    const [filtered] = (await scene.asks('tasks.board', { limit: 2, fields: 'id', createdBy: 'link' })).columns;
    expect(filtered).toEqual(todo);
  });

  test('stays below a size', async () => {
    const description = 'x'.repeat(90_000);
    const scene = board(
      ...Array.from({ length: 24 }, (_, i): [string, object] => [
        `t${i}`,
        { description, status: i % 2 ? 'todo' : 'done' },
      ]),
    );
    const answer = await scene.asks('tasks.board', {});
    expect(Buffer.byteLength(JSON.stringify(answer))).toBeLessThanOrEqual(1024 * 1024 + 1_000);
    expect(answer.columns[0]).toMatchObject({ count: 12, more: true });
    expect(answer.columns[0].tasks.length).toBeGreaterThan(0);
  });
});
