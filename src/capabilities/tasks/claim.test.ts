import { describe, expect, test } from 'vitest';
import { type Scene, T0 } from '../../../tests/support/given.ts';
import { board, claimed, play, refusal } from '../../../tests/support/tasks.ts';

describe('a claim', () => {
  test('gives the task to one agent, with an id, a generation and a time at which it ends', () => {
    const { events, answer, after } = board('a').when('tasks.claim', { id: 'a', agent: 'kai' });
    const claim = {
      id: expect.stringMatching(/^claim-/),
      agent: 'kai',
      generation: 1,
      expiresAt: T0 + 900_001,
      ttl: 900,
    };
    expect(events).toEqual([
      {
        type: 'task_claimed',
        subject: 'a',
        data: {
          id: 'a',
          title: 'Title of a',
          status: 'doing',
          assignee: 'kai',
          changes: { status: 'doing', assignee: 'kai' },
          was: { status: 'todo', assignee: null },
          claim,
          notify: ['kai'],
        },
      },
    ]);
    expect(answer).toMatchObject({ claim, task: { status: 'doing', assignee: 'kai', claim, generation: 1 } });
    expect(after.all('task_runs')).toEqual([{ task: 'a', generation: 1, agent: 'kai', start: T0 + 1, seq: 2 }]);
  });

  test('lasts as long as it asks for', () => {
    expect(claimed(board('a'), 'a', 'kai', { ttl: '60' }).claim).toMatchObject({ ttl: 60, expiresAt: T0 + 60_001 });
  });

  test('of what another has claimed is refused and names the holder, until when, and how often it was claimed', () => {
    const { scene, claim } = claimed(board('a'), 'a', 'kai');
    expect(refusal(scene.when('tasks.claim', { id: 'a', agent: 'pixel' }), 'TASK_ALREADY_ASSIGNED')).toEqual({
      taskStatus: 'doing',
      assignee: 'kai',
      generation: 1,
      expiresAt: claim.expiresAt,
    });
  });

  test('of what was given to another is refused and names whom; what was given to oneself can be claimed', () => {
    const scene = board(
      ['a', { assignee: 'kai' }],
      ['b', { assignee: 'kai', status: 'doing' }],
      ['c', { status: 'doing' }],
    );
    for (const id of ['a', 'b']) {
      const { taskStatus: _, ...extra } = refusal(
        scene.when('tasks.claim', { id, agent: 'pixel' }),
        'TASK_ALREADY_ASSIGNED',
      );
      expect(extra).toEqual({ assignee: 'kai' });
      expect(claimed(scene, id, 'kai').claim.generation).toBe(1);
    }
    expect(claimed(scene, 'c', 'pixel').claim.agent).toBe('pixel');
  });

  test('of what one has claimed already is that claim, which lasts longer', () => {
    const { scene, claim } = claimed(board('a'), 'a', 'kai');
    const again = scene.later(600_000).when('tasks.claim', { id: 'a', agent: 'kai' });
    expect(again.answer.claim).toEqual({ ...claim, expiresAt: claim.expiresAt + 600_001 });
    expect(again.after.all('task_runs')).toHaveLength(1);
    expect(claimed(scene, 'a', 'kai', { ttl: 60 }).claim).toMatchObject({ id: claim.id, ttl: 60 });
  });

  test.each(['validating', 'done', 'cancelled'])('of what is %s is refused', (status) => {
    const decision = board(['a', { status }]).when('tasks.claim', { id: 'a', agent: 'kai' });
    expect(refusal(decision, 'transition_refused')).toMatchObject({ from: status, to: 'doing' });
  });

  test('of what somebody set to blocked is refused', () => {
    const decision = board(['a', { status: 'blocked' }]).when('tasks.claim', { id: 'a', agent: 'kai' });
    expect(refusal(decision, 'task_blocked')).toEqual({ blockers: [] });
  });

  test('takes it from its holder, or from whom it was given to, where it says so; the holder is told, and its run ends', () => {
    const { scene, claim } = claimed(board('a', ['b', { assignee: 'kai' }]), 'a', 'kai');
    const taken = scene.when('tasks.claim', { id: 'a', agent: 'pixel', takeover: '1' });
    expect(taken.answer.claim).toMatchObject({ agent: 'pixel', generation: 2 });
    expect(taken.after.concerned('kai', 'pixel', 'link')).toEqual(['kai', 'pixel']);
    expect(taken.after.all('task_runs')).toMatchObject([
      { agent: 'kai', generation: 1, end: T0 + 3, outcome: 'taken_over' },
      { agent: 'pixel', generation: 2, start: T0 + 3 },
    ]);
    taken.after.when('tasks.heartbeat', { id: 'a', agent: 'kai', claim: claim.id }).thenRefused('stale_claim');
    expect(claimed(scene, 'b', 'pixel', { takeover: true }).scene.entity('tasks', 'b').assignee).toBe('pixel');
  });

  test('takes nothing over that is over', () => {
    board(['a', { status: 'done', assignee: 'kai' }])
      .when('tasks.claim', { id: 'a', agent: 'pixel', takeover: true })
      .thenRefused('TASK_ALREADY_ASSIGNED');
  });

  test('needs an agent, and a task that is there', () => {
    board('a').when('tasks.claim', { id: 'a' }).thenRefused('invalid_input', 'agent is required');
    board('a').when('tasks.claim', { id: 'b', agent: 'kai' }).thenRefused('task_not_found', 'Task not found');
    play(board('a'), ['delete', { id: 'a' }])
      .when('tasks.claim', { id: 'a', agent: 'kai' })
      .thenRefused('task_deleted', 'Task not found');
  });
});

describe('the holder', () => {
  const { scene, claim } = claimed(board(['a', { reviewer: undefined }]), 'a', 'kai');
  const own = { id: 'a', agent: 'kai', claim: claim.id };

  test.each<[string, object, object, object]>([
    ['release', { reason: 'no time' }, { status: 'todo' }, { outcome: 'released', reason: 'no time' }],
    [
      'complete',
      { result: { ok: 1 }, artifacts: ['report.md', { name: 'x', url: 'file:///x' }] },
      {
        status: 'done',
        assignee: 'kai',
        result: { ok: 1 },
        artifacts: [{ name: 'report.md' }, { name: 'x', url: 'file:///x' }],
      },
      { outcome: 'completed', result: { ok: 1 }, artifacts: [{ name: 'report.md' }, { name: 'x', url: 'file:///x' }] },
    ],
    [
      'fail',
      { reason: 'no compiler' },
      { status: 'todo', failed_runs: 1 },
      { outcome: 'failed', reason: 'no compiler' },
    ],
    ['update', { status: 'blocked' }, { status: 'blocked', assignee: 'kai' }, { outcome: 'blocked' }],
    ['update', { status: 'cancelled' }, { status: 'cancelled', assignee: 'kai' }, { outcome: 'cancelled' }],
    ['update', { status: 'validating' }, { status: 'validating', assignee: 'kai' }, { outcome: 'completed' }],
    ['update', { assignee: 'pixel' }, { status: 'todo', assignee: 'pixel' }, { outcome: 'released' }],
  ])('ends its run by %s %j', (operation, input, task, run) => {
    const { after } = scene.when(`tasks.${operation}`, { ...own, ...input });
    const {
      id: _,
      title: __,
      createdBy: ___,
      createdAt,
      updatedAt,
      seq,
      startedAt,
      completedAt,
      generation,
      ...rest
    } = after.entity('tasks', 'a');
    expect(rest).toEqual(task);
    expect(after.all('task_runs')).toEqual([
      { task: 'a', generation: 1, agent: 'kai', start: T0 + 1, seq: 2, end: T0 + 2, ...run },
    ]);
  });

  test('is whoever brings the id of the claim, and whoever says the name of who has it', () => {
    for (const who of [{ claim: claim.id }, { agent: 'kai' }, { agent: 'kai', claim: claim.id }])
      expect(scene.when('tasks.release', { id: 'a', ...who }).events).toHaveLength(1);
  });

  test('is nobody else, whoever that is and whatever claim it brings', () => {
    for (const operation of ['heartbeat', 'release', 'complete', 'fail']) {
      const act = (who: object) => scene.when(`tasks.${operation}`, { id: 'a', reason: 'x', ...who });
      expect(refusal(act({ agent: 'pixel' }), 'not_the_holder')).toMatchObject({ assignee: 'kai', generation: 1 });
      act({}).thenRefused('not_the_holder');
      act({ agent: 'pixel', claim: claim.id }).thenRefused('not_the_holder');
    }
  });

  test('must have claimed it: that it was given to somebody is not enough', () => {
    for (const operation of ['heartbeat', 'release', 'complete', 'fail'])
      board(['a', { assignee: 'kai', status: 'doing' }])
        .when(`tasks.${operation}`, { id: 'a', agent: 'kai', reason: 'x' })
        .thenRefused('not_the_holder');
  });

  test('that completes what has a reviewer leaves it for the review, and the reviewer is told', () => {
    const reviewed = claimed(board(['a', { reviewer: 'sage' }]), 'a', 'kai').scene;
    const { after } = reviewed.when('tasks.complete', { id: 'a', agent: 'kai' });
    expect(after.entity('tasks', 'a').status).toBe('validating');
    expect(after.concerned('kai', 'sage', 'link', 'pixel')).toEqual(['kai', 'sage', 'link']);
  });

  test('that completes again brings its result into its own run, also where it is the same', () => {
    const twice = play(
      scene,
      ['complete', { ...own, result: 'green', artifacts: ['log'] }],
      ['update', { id: 'a', status: 'todo' }],
      ['claim', { id: 'a', agent: 'kai' }],
      ['complete', { id: 'a', agent: 'kai', result: 'green', artifacts: ['log'] }],
    );
    for (const run of twice.all('task_runs'))
      expect(run).toMatchObject({ outcome: 'completed', result: 'green', artifacts: [{ name: 'log' }] });
  });
});

test('what succeeded, or was opened again, has failed no run', () => {
  const attempt = (scene: Scene, end: 'fail' | 'complete') => {
    const { scene: doing, claim } = claimed(scene, 'a', 'kai');
    return play(doing, [end, { id: 'a', claim: claim.id, ...(end === 'fail' && { reason: 'no' }) }]);
  };
  const twice = attempt(attempt(board('a'), 'fail'), 'fail');
  expect(twice.entity('tasks', 'a').failed_runs).toBe(2);
  const done = attempt(twice, 'complete');
  expect(done.entity('tasks', 'a')).not.toHaveProperty('failed_runs');
  const again = attempt(play(done, ['update', { id: 'a', status: 'todo' }]), 'fail');
  expect(again.entity('tasks', 'a')).toMatchObject({ status: 'todo', failed_runs: 1 });
});
