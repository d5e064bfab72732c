import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { bytesOf, mostBytes, THESE_DAYS } from '../../../tests/support/event-size.ts';
import { given, type Scene, T0 } from '../../../tests/support/given.ts';
import type { Json } from '../../../tests/support/node.ts';
import { MAX_RECORD_BYTES } from '../../kernel/event.ts';
import { agents } from '../agents/index.ts';
import { tasks } from '../tasks/index.ts';
import { workflows } from './index.ts';

const table = [agents, tasks, workflows];

interface StepInput {
  key: string;
  title?: string;
  [field: string]: unknown;
}

/** A scene with a workflow of these steps, each titled by its key unless it says otherwise. */
function saved(name: string, steps: readonly StepInput[], more: object = {}, before: Scene = given(table)): Scene {
  const input = { name, tasks: steps.map((step) => ({ title: step.key, ...step })), agent: 'link', ...more };
  return before.when('workflows.save', input).after;
}

/** Starts it: the scene after it, and each task by its step's key. */
function started(scene: Scene, name: string, more: object = {}): { after: Scene; task: (key: string) => Json } {
  const { answer, after } = scene.when('workflows.start', { name, createdBy: 'kai', ...more });
  return { after, task: (key) => after.entity('tasks', answer.ids[key]) };
}

describe('saving', () => {
  const steps = [{ key: 'build', title: 'Build it' }];

  test('a workflow is kept as it was given, with who made it and when', () => {
    const { answer, after } = given(table).when('workflows.save', {
      name: 'release',
      description: 'How we release',
      defaults: { priority: 'P1' },
      tasks: steps,
      agent: 'link',
    });
    expect(answer).toEqual({ success: true, workflow: after.entity('workflows', 'release') });
    expect(answer.workflow).toEqual({
      name: 'release',
      description: 'How we release',
      defaults: { priority: 'P1' },
      tasks: steps,
      createdBy: 'link',
      createdAt: T0,
      updatedAt: T0,
      started: 0,
      seq: 1,
    });
  });

  test('one of the same name is replaced whole; who made it, when and how often it was started stay', () => {
    const first = saved('release', steps, { description: 'Old', defaults: { priority: 'P1' } });
    const { after } = started(first, 'release');
    const second = saved('release', [{ key: 'ship' }], { agent: 'kai' }, after);
    expect(second.all('workflows')).toEqual([
      {
        name: 'release',
        tasks: [{ key: 'ship', title: 'ship' }],
        createdBy: 'link',
        createdAt: T0,
        updatedAt: T0 + 3,
        started: 1,
        seq: 4,
      },
    ]);
  });

  test.each([
    ['no steps', [], '/tasks'],
    ['more than a hundred steps', Array.from({ length: 101 }, (_, i) => ({ key: `s${i}` })), '/tasks'],
    ['a key that is no name', [{ key: '__proto__' }], '/tasks/0/key'],
    ['a key with a way in it', [{ key: 'a' }, { key: '../b' }], '/tasks/1/key'],
    ['no title', [{ key: 'a', title: '' }], '/tasks/0/title'],
    ['a time that is past', [{ key: 'a', due_in: -1 }], '/tasks/0/due_in'],
    ['a key that is there twice', [{ key: 'a' }, { key: 'a' }], '/tasks/1/key'],
    ['a blocker that is none', [{ key: 'a', blocked_by: ['b'] }], '/tasks/0/blocked_by/0'],
  ])('%s: refused, with the place', (_, input, pointer) => {
    const scene = given(table);
    const call = { name: 'w', tasks: input.map((step: StepInput) => ({ title: step.key, ...step })) };
    const decision = scene.when('workflows.save', call);
    decision.thenRefused('invalid_input');
    expect(() => decision.events).toThrow(
      expect.objectContaining({ options: expect.objectContaining({ errors: [expect.objectContaining({ pointer })] }) }),
    );
  });

  test.each(['', '.', '..', '-a', 'a/b', 'a b', 'ä', 'x'.repeat(65)])('%j is no name of a workflow', (name) => {
    given(table)
      .when('workflows.save', { name, tasks: [{ key: 'a', title: 'A' }] })
      .thenRefused('invalid_input');
  });

  test('names that objects have as well are names like others', () => {
    const { after, task } = started(saved('constructor', [{ key: 'toString' }, { key: 'constructor' }]), 'constructor');
    expect([task('toString').title, task('constructor').title]).toEqual(['toString', 'constructor']);
    expect(after.entity('workflows', 'constructor').started).toBe(1);
  });

  test('a workflow whose tasks wait for each other in a circle is refused', () => {
    const circle = [
      { key: 'a', title: 'A', blocked_by: ['b'] },
      { key: 'b', title: 'B', blocked_by: ['a'] },
    ];
    given(table).when('workflows.save', { name: 'w', tasks: circle }).thenRefused('dependency_cycle');
  });
});

describe('a workflow that could not be started', () => {
  const big = (description: string) => ({ name: 'w', tasks: [{ key: 'a', title: 'A', metadata: { description } }] });

  test('because a task would not fit into an event is not saved, and one that just fits can be started', () => {
    const before = given(table, THESE_DAYS);
    const save = (bytes: number) => before.when('workflows.save', big('x'.repeat(bytes)));
    const most = mostBytes(save);
    expect(bytesOf(save(most).events)[0]).toBeLessThan(MAX_RECORD_BYTES - 500);
    const parent = '\u{10000}'.repeat(128);
    const createdBy = 'x'.repeat(64);
    const task = { type: 'task_created', subject: parent, data: { id: parent, status: 'todo', createdBy: 'link' } };
    const scene = given(table, THESE_DAYS, task).when('workflows.save', big('x'.repeat(most))).after;
    const { events } = scene.when('workflows.start', { name: 'w', createdBy, parent });
    // What is left is for the digits of times and numbers to come.
    expect(MAX_RECORD_BYTES - (bytesOf(events, createdBy)[1] as number)).toBeLessThan(100);
  });

  test('because its tasks hold too much together is not saved', () => {
    const steps = Array.from({ length: 100 }, (_, i) => ({ key: `s${i}`, title: 'T' }));
    const save = (description: string) =>
      given(table).when('workflows.save', { name: 'w', defaults: { description }, tasks: steps });
    save('x'.repeat(11_000)).thenRefused('too_large');
    const { answer } = save('x'.repeat(9_000)).after.when('workflows.start', { name: 'w', createdBy: 'kai' });
    expect(answer.tasks).toHaveLength(100);
  });

  test('because of what its starter adds is not started, and can be started without', () => {
    const scene = saved('w', [{ key: 'a' }, { key: 'b', parent: 'a' }]);
    const metadata = { text: 'x'.repeat(MAX_RECORD_BYTES) };
    scene.when('workflows.start', { name: 'w', createdBy: 'kai', defaults: { metadata } }).thenRefused('too_large');
    expect(started(scene, 'w').after.all('tasks')).toHaveLength(2);
  });
});

describe('starting', () => {
  test('makes one event for the workflow and one for each task, parents first, and tells who is to do it', () => {
    const steps = [
      { key: 'part', parent: 'whole', assignee: 'pixel' },
      { key: 'whole', blocked_by: ['other'] },
      { key: 'other' },
    ];
    const { events } = saved('w', steps).when('workflows.start', { name: 'w', createdBy: 'kai' });
    expect(events.map(({ type, data }) => [type, data.title ?? data.name])).toEqual([
      ['workflow_started', 'w'],
      ['task_created', 'whole'],
      ['task_created', 'part'],
      ['task_assigned', 'part'],
      ['task_created', 'other'],
    ]);
    const ids = events[0]?.data.tasks as Record<string, string>;
    expect(Object.keys(ids)).toEqual(['part', 'whole', 'other']);
    expect(new Set(Object.values(ids)).size).toBe(3);
    // Each task knows its event, and when that was.
    for (const [i, { type, data }] of events.entries())
      if (type === 'task_created') expect([data.seq, data.createdAt]).toEqual([2 + i, T0 + 1 + i]);
  });

  test('a step goes before what its starter says, and that before the workflow', () => {
    const defaults = { priority: 'P3', assignee: 'link', tags: ['w'], reviewer: 'link' };
    const { task } = started(
      saved('w', [{ key: 'a', priority: 'P0' }, { key: 'b' }, { key: 'c', tags: [] }], { defaults }),
      'w',
      { defaults: { priority: 'P1', assignee: 'pixel', epic_id: 'epic' } },
    );
    const common = { assignee: 'pixel', reviewer: 'link', epic_id: 'epic', createdBy: 'kai', workflow: 'w' };
    expect(task('a')).toMatchObject({ ...common, priority: 'P0', tags: ['w'] });
    expect(task('b')).toMatchObject({ ...common, priority: 'P1', tags: ['w'] });
    expect(task('c')).toMatchObject({ ...common, priority: 'P1' });
    expect(task('c')).not.toHaveProperty('tags');
  });

  test('what is due is due so many seconds after the start', () => {
    const scene = saved('w', [{ key: 'a', due_in: 0 }, { key: 'b', due_in: 90 }, { key: 'c' }]).later(60_000);
    const { task } = started(scene, 'w');
    expect([task('a').due, task('b').due, task('c').due]).toEqual([T0 + 60_001, T0 + 150_001, undefined]);
  });

  test('steps that are parts of none are parts of the given task', () => {
    const task = { id: 't', title: 'T', status: 'todo', createdBy: 'link' };
    const before = given(table, { type: 'task_created', subject: 't', data: task });
    const scene = saved('w', [{ key: 'a' }, { key: 'b', parent: 'a' }], {}, before);
    const { after, task: of } = started(scene, 'w', { parent: 't' });
    expect([of('a').parent, of('b').parent]).toEqual(['t', of('a').id]);
    expect(after.entity('tasks', 't').subtasks).toEqual({ total: 1, done: 0 });
  });

  test('makes nothing where the given task or the workflow is not there', () => {
    const scene = saved('w', [{ key: 'a' }]);
    scene.when('workflows.start', { name: 'w', createdBy: 'kai', parent: 'gone' }).thenRefused('unknown_task');
    scene.when('workflows.start', { name: 'v', createdBy: 'kai' }).thenRefused('workflow_not_found');
    scene.when('workflows.start', { name: 'w' }).thenRefused('invalid_input', 'createdBy is required');
  });

  test('again makes other tasks; replacing and deleting the workflow leave those that it made', () => {
    const first = started(saved('w', [{ key: 'a' }]), 'w');
    const second = started(first.after, 'w');
    expect(second.task('a').id).not.toBe(first.task('a').id);
    expect(second.after.entity('workflows', 'w').started).toBe(2);
    const replaced = saved('w', [{ key: 'b' }], {}, second.after);
    const third = started(replaced, 'w');
    expect(third.after.all('tasks').map(({ title }) => title)).toEqual(['a', 'a', 'b']);
    const deleted = third.after.when('workflows.delete', { name: 'w' }).after;
    expect(deleted.all('workflows')).toEqual([]);
    expect(deleted.all('tasks')).toHaveLength(3);
    deleted.when('workflows.start', { name: 'w', createdBy: 'kai' }).thenRefused('workflow_not_found');
    deleted.when('workflows.delete', { name: 'w' }).thenRefused('workflow_not_found');
  });
});

/** A graph that has no cycle: each step may wait for steps, and be a part of one, that come before it. */
const graphs = fc
  .array(
    fc.record({
      waits: fc.array(fc.nat(), { maxLength: 4 }),
      above: fc.option(fc.nat()),
      due_in: fc.option(fc.nat(99)),
    }),
    { minLength: 1, maxLength: 12 },
  )
  .map((steps) =>
    steps.map(({ waits, above, due_in }, i): StepInput => {
      const before = (n: number) => `s${n % i}`;
      return {
        key: `s${i}`,
        ...(i > 0 && { blocked_by: waits.map(before) }),
        ...(i > 0 && above !== null && { parent: before(above) }),
        ...(due_in !== null && { due_in }),
      };
    }),
  );

test('whatever the order of its steps, the tasks of a workflow wait for each other, are parts of each other and are offered as it says', async () => {
  const shuffled = graphs.chain((steps) =>
    fc.tuple(fc.constant(steps), fc.shuffledSubarray(steps, { minLength: steps.length })),
  );
  await fc.assert(
    fc.asyncProperty(shuffled, async ([steps, order]) => {
      const { after, task } = started(saved('w', order), 'w');
      const at = after.events.find(({ type }) => type === 'workflow_started')?.at as number;
      for (const { key, blocked_by, parent, due_in } of steps) {
        const keys = [...new Set(blocked_by as string[] | undefined)];
        const parts = steps.filter((step) => step.parent === key).length;
        expect(task(key)).toMatchObject({ title: key, status: 'todo', workflow: 'w' });
        expect(task(key)).toEqual({
          ...task(key),
          blocked_by: keys.length === 0 ? undefined : keys.map((other) => task(other).id),
          open_blockers: keys.length === 0 ? undefined : keys.length,
          parent: parent === undefined ? undefined : task(parent as string).id,
          subtasks: parts === 0 ? undefined : { total: parts, done: 0 },
          due: due_in === undefined ? undefined : at + (due_in as number) * 1_000,
        });
      }
      // Taking and ending one after another goes through all of them, each after those that it waits for.
      const done: string[] = [];
      let scene = after;
      for (;;) {
        const { answer, after: taken } = scene.when('tasks.next', { agent: 'kai', claim: '1' });
        if (!answer.task) break;
        const step = steps.find(({ key }) => key === answer.task.title);
        for (const key of (step?.blocked_by ?? []) as string[]) expect(done).toContain(key);
        done.push(answer.task.title);
        scene = taken.when('tasks.complete', { id: answer.task.id, agent: 'kai', claim: answer.task.claim.id }).after;
      }
      expect(done.sort()).toEqual(steps.map(({ key }) => key).sort());
    }),
    { numRuns: 60 },
  );
});

describe('listing', () => {
  test('gives workflows by name, page by page, also where the one that a page ended with is gone', async () => {
    let scene = given(table);
    for (const name of ['d', 'b', 'a', 'c']) scene = saved(name, [{ key: 'a' }], {}, scene);
    const names = ({ workflows }: Json) => workflows.map(({ name }: Json) => name);
    const first = await scene.asks('workflows.list', { limit: 2 });
    expect([names(first), first.count, first.more, first.cursor]).toEqual([['a', 'b'], 4, true, 'b']);
    expect(names(await scene.asks('workflows.list', { limit: 1, cursor: 'b' }))).toEqual(['c']);
    const without = scene.when('workflows.delete', { name: 'b' }).after;
    const second = await without.asks('workflows.list', { limit: 2, cursor: first.cursor });
    expect([names(second), second.count, second.more]).toEqual([['c', 'd'], 3, undefined]);
  });

  test('one is got by its name', async () => {
    const scene = saved('w', [{ key: 'a' }]);
    expect((await scene.asks('workflows.get', { name: 'w' })).workflow).toEqual(scene.entity('workflows', 'w'));
    await expect(scene.asks('workflows.get', { name: 'v' })).rejects.toMatchObject({ code: 'workflow_not_found' });
  });
});
