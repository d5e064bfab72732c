import { describe, expect, test } from 'vitest';
import { board, claimed, play, refusal } from '../../../tests/support/tasks.ts';

const waits = board(['a', { reviewer: 'sage', status: 'validating', assignee: 'kai' }]);
const review = (more: object, scene = waits) => scene.when('tasks.review', { id: 'a', by: 'sage', ...more });

describe('a task that has a reviewer', () => {
  test('is not done by anybody’s word, the reviewer’s own among them; the refusal says how it is', () => {
    for (const agent of [undefined, 'kai', 'sage'])
      expect(refusal(waits.when('tasks.update', { id: 'a', agent, status: 'done' }), 'review_required')).toEqual({
        reviewer: 'sage',
        review: 'POST /tasks/a/review {"by":"sage","verdict":"approve"}',
      });
    waits.when('tasks.update', { id: 'a', status: 'done', reviewer: 'kai' }).thenRefused('review_required');
  });

  test('is done without it once it has none any more', () => {
    waits.when('tasks.update', { id: 'a', status: 'done', reviewer: null }).thenRefused('review_required');
    const done = play(waits, ['update', { id: 'a', reviewer: null }], ['update', { id: 'a', status: 'done' }]);
    expect(done.entity('tasks', 'a').status).toBe('done');
  });

  test.each(['approve', 'approved'])('is done when the reviewer says %s', (verdict) => {
    const { events, after } = review({ verdict, comment: 'Fine' });
    expect(events).toMatchObject([{ type: 'task_reviewed', data: { changes: { status: 'done' }, comment: 'Fine' } }]);
    const { at } = after.events.at(-1) as { at: number };
    expect(after.entity('tasks', 'a')).toMatchObject({
      status: 'done',
      completedAt: at,
      review: { by: 'sage', verdict: 'approved', at, comment: 'Fine' },
    });
    expect(after.concerned('kai', 'link', 'pixel')).toEqual(['kai', 'link']);
  });

  test.each(['reject', 'rejected', 'request_changes'])(
    'goes back to whoever did it when the reviewer says %s',
    (verdict) => {
      const { answer, after } = review({ verdict });
      expect(answer.task).toMatchObject({ status: 'todo', assignee: 'kai', review: { verdict: 'rejected' } });
      expect(after.when('tasks.next', { agent: 'kai' }).answer.task.id).toBe('a');
      expect(after.when('tasks.next', { agent: 'pixel' }).answer.task).toBeNull();
    },
  );

  test('is done while somebody has claimed it as well, whose run then is complete', () => {
    const { after } = review({ verdict: 'approve' }, claimed(board(['a', { reviewer: 'sage' }]), 'a', 'kai').scene);
    expect(after.entity('tasks', 'a')).not.toHaveProperty('claim');
    expect(after.all('task_runs')).toMatchObject([{ agent: 'kai', outcome: 'completed' }]);
  });

  test('frees what waited for it', () => {
    const scene = board(['a', { reviewer: 'sage', status: 'validating' }], ['b', { blocked_by: ['a'] }]);
    expect(review({ verdict: 'approve' }, scene).events.map(({ type }) => type)).toEqual([
      'task_reviewed',
      'task_unblocked',
    ]);
  });

  test('that is opened again is not approved any more', () => {
    const again = play(review({ verdict: 'approve' }).after, ['update', { id: 'a', status: 'doing' }]);
    expect(again.entity('tasks', 'a')).not.toHaveProperty('review');
    again.when('tasks.update', { id: 'a', status: 'done' }).thenRefused('review_required');
  });
});

describe('a review', () => {
  test('is the reviewer’s alone', () => {
    review({ by: 'kai', verdict: 'approve' }).thenRefused('not_the_reviewer');
  });

  test('is of what has a reviewer', () => {
    review({ verdict: 'approve' }, board('a')).thenRefused('no_reviewer');
  });

  test.each(['done', 'cancelled'])('is of nothing that is %s', (status) => {
    const decision = review({ verdict: 'approve' }, board(['a', { reviewer: 'sage', status }]));
    expect(refusal(decision, 'transition_refused')).toMatchObject({ from: status, to: 'done' });
  });

  test('needs who and a verdict that is one', () => {
    for (const input of [{ verdict: 'maybe' }, {}, { by: undefined, verdict: 'approve' }])
      review(input).thenRefused('invalid_input', 'by and verdict are required');
  });
});
