import { describe, expect, test } from 'vitest';
import { board, refusal } from '../../../tests/support/tasks.ts';

const MOVES = {
  todo: ['doing', 'blocked', 'validating', 'done', 'cancelled'],
  doing: ['todo', 'blocked', 'validating', 'done', 'cancelled'],
  blocked: ['todo', 'doing', 'validating', 'done', 'cancelled'],
  validating: ['todo', 'doing', 'blocked', 'done', 'cancelled'],
  done: ['todo', 'doing'],
  cancelled: ['todo'],
};

describe.each(Object.entries(MOVES))('from %s a task', (from, allowed) => {
  const scene = board(['a', { status: from }]);
  const move = (to: string) => scene.when('tasks.update', { id: 'a', status: to });

  test.each(allowed)('may become %s', (to) => {
    const { events, after } = move(to);
    expect(events[0]?.data).toMatchObject({ changes: { status: to }, was: { status: from } });
    expect(after.entity('tasks', 'a').status).toBe(to);
  });

  test.each(Object.keys(MOVES).filter((to) => to !== from && !allowed.includes(to)))(
    'may not become %s, and the refusal says what it may',
    (to) => {
      expect(refusal(move(to), 'transition_refused')).toEqual({ from, to, allowed });
    },
  );

  test('may stay as it is', () => {
    move(from).thenNothing();
  });
});
