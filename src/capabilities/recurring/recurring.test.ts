import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { given, type Past, type Scene, T0 } from '../../../tests/support/given.ts';
import type { Json } from '../../../tests/support/node.ts';
import { faultyFields, recurs, settled, table } from '../../../tests/support/recurring.ts';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const DAY = 24 * 60 * MINUTE;

const times = (scene: Scene): number[] => scene.all('tasks').map(({ scheduledAt }) => scheduledAt);
const only = (scene: Scene): Json => scene.all('recurring')[0];

describe('what recurs', () => {
  test('is kept as it was given, with the next time', () => {
    const { answer, after } = given(table).when('recurring.create', {
      title: 'Sweep',
      priority: 'P1',
      tags: ['home'],
      every: 90,
      until: T0 + DAY,
      due_in: '60',
      createdBy: 'link',
    });
    expect(answer.recurring).toEqual(only(after));
    expect(answer.recurring).toEqual({
      id: expect.stringMatching(/^recurring-1000000-/),
      task: { title: 'Sweep', priority: 'P1', tags: ['home'] },
      every: '90',
      until: T0 + DAY,
      due_in: 60,
      missed: 'each',
      nextAt: T0 + 90 * SECOND,
      made: 0,
      createdBy: 'link',
      createdAt: T0,
      updatedAt: T0,
      seq: 1,
    });
    expect(only(recurs({ cron: '30 0 1 1 *' }).scene)).toMatchObject({ tz: 'UTC', nextAt: T0 + 800 * SECOND });
    expect(only(recurs({ cron: '30 1 1 1 *', tz: 'Europe/Berlin' }).scene)).toMatchObject({
      tz: 'Europe/Berlin',
      nextAt: T0 + 800 * SECOND,
    });
  });

  test.each([
    ['every and cron', { every: '1h', cron: '0 * * * *' }, ['/every']],
    ['neither', {}, ['/every']],
    ['a time zone without cron', { every: '1h', tz: 'UTC' }, ['/tz']],
    ['a start without every', { cron: '0 * * * *', start: 0 }, ['/start']],
    ['a zone that there is none', { cron: '0 * * * *', tz: 'Mars/Olympus' }, ['/tz']],
    ['an expression that is none', { cron: '0 * * *' }, ['/cron']],
    ['an expression that never comes', { cron: '0 0 30 2 *' }, ['/cron']],
    ['an expression that comes no more', { cron: '0 0 0 1 1 * 1969' }, ['/cron']],
    ['an end before the first time', { every: '1h', until: T0 + 10 }, ['/until']],
    ['an end that is past', { cron: '0 * * * *', until: 5 }, ['/until']],
    ['no time at all', { every: '0s' }, ['/every']],
    ['less than a second', { every: 0.5 }, ['/every']],
    ['a million years', { every: '365000000d' }, ['/every']],
    ['more digits than that', { every: '31557600000000000' }, ['/every']],
    ['a number with an exponent', { every: 1e21 }, ['/every']],
    ['a start before 1970', { every: '1h', start: -1 }, ['/start']],
    ['a start that no number holds', { every: '1h', start: 2 ** 53 }, ['/start']],
    ['no title', { every: '1h', title: '' }, ['/title']],
    ['a reserved name', { every: '1h', createdBy: 'system' }, ['/createdBy']],
  ])('%s: refused, with the place', (_, fields, pointers) => {
    const input = { title: 'Sweep', createdBy: 'link', ...fields };
    expect(faultyFields(given(table).when('recurring.create', input))).toEqual(pointers);
  });

  test('is listed oldest first, page by page, also where the one that a page ended with is gone', async () => {
    let scene = given(table);
    for (const title of ['a', 'b', 'c', 'd']) scene = recurs({ title, every: '1h' }, scene).scene;
    const titles = ({ recurring }: Json) => recurring.map(({ task }: Json) => task.title);
    const first = await scene.asks('recurring.list', { limit: 2 });
    expect([titles(first), first.count, first.more]).toEqual([['a', 'b'], 4, true]);
    expect(titles(await scene.asks('recurring.list', { limit: 1, cursor: first.cursor }))).toEqual(['c']);
    const without = scene.when('recurring.delete', { id: first.cursor }).after;
    const second = await without.asks('recurring.list', { limit: 2, cursor: first.cursor });
    expect([titles(second), second.count, second.more]).toEqual([['c', 'd'], 3, undefined]);
    await expect(without.asks('recurring.get', { id: first.cursor })).rejects.toMatchObject({
      code: 'recurring_not_found',
    });
  });
});

describe('when its time has come', () => {
  test('one task is made for it, with what was said, and it is told for which time', () => {
    const { scene, id } = recurs({ every: '10s', assignee: 'kai', metadata: { room: 1 }, due_in: 5 });
    expect(() => scene.later(10 * SECOND - 2).whenDue()).toThrow('nothing is due');
    const at = T0 + 10 * SECOND;
    const decision = scene.later(10 * SECOND - 1).whenDue();
    const task = decision.after.all('tasks')[0];
    expect(task).toEqual({
      id: expect.stringMatching(/^task-/),
      title: 'Sweep',
      status: 'todo',
      assignee: 'kai',
      metadata: { room: 1 },
      due: at + 5 * SECOND,
      createdBy: 'link',
      createdAt: at + 1,
      updatedAt: at + 1,
      recurring: id,
      scheduledAt: at,
      seq: 4,
    });
    expect(decision.events.map(({ type }) => type)).toEqual(['recurring_came', 'task_created', 'task_assigned']);
    expect(decision.events[0]?.data).toEqual({ id, scheduledAt: at, task: task.id, nextAt: at + 10 * SECOND });
    expect(only(decision.after)).toMatchObject({ made: 1, lastAt: at, nextAt: at + 10 * SECOND, seq: 2 });
    expect(() => decision.after.whenDue()).toThrow('nothing is due');
  });

  test('it counts from its start, which may lie before or after now', () => {
    const past = recurs({ every: '10s', start: 3 }).scene;
    expect(only(past).nextAt).toBe(T0 + 3);
    const future = recurs({ every: '10s', start: T0 + DAY }).scene;
    expect(() => future.later(DAY - 2).whenDue()).toThrow('nothing is due');
    expect(times(settled(future.later(DAY + 10 * SECOND)))).toEqual([T0 + DAY, T0 + DAY + 10 * SECOND]);
    expect(only(recurs({ every: '1w', start: Number.MAX_SAFE_INTEGER }).scene).nextAt).toBe(Number.MAX_SAFE_INTEGER);
  });

  test('several come in the order of their times', () => {
    const slow = recurs({ title: 'slow', every: '4s', start: T0 + 3_500 });
    const { scene } = recurs({ title: 'fast', cron: '*/3 * * * * *' }, slow.scene);
    const awake = [1, 2, 3, 4, 5, 6].reduce((at) => settled(at.later(2 * SECOND)), scene);
    expect(awake.all('tasks').map(({ title, scheduledAt }) => `${title} ${scheduledAt - T0}`)).toEqual([
      'fast 2000',
      'slow 3500',
      'fast 5000',
      'slow 7500',
      'fast 8000',
      'fast 11000',
      'slow 11500',
    ]);
  });
});

describe('after the server slept over several times', () => {
  test.each([1, 2, 99, 100])('a task is made for each of %i, and nothing was skipped', (count) => {
    const { scene } = recurs({ every: '1m' });
    const awake = settled(scene.later(count * MINUTE + 30 * SECOND));
    expect(times(awake)).toEqual(Array.from({ length: count }, (_, i) => T0 + (i + 1) * MINUTE));
    expect(only(awake)).toMatchObject({ made: count, lastAt: T0 + count * MINUTE, nextAt: T0 + (count + 1) * MINUTE });
    expect(only(awake)).not.toHaveProperty('skippedSince');
  });

  test.each([
    ['every', { every: '1s' }],
    ['cron', { cron: '* * * * * *', tz: 'America/New_York' }],
  ])(
    'the newest hundred are made where more were missed, and it is told since when some were not: %s',
    (_, schedule) => {
      const { scene } = recurs(schedule);
      const late = scene.later(365 * DAY);
      const decision = late.whenDue();
      const awake = settled(decision.after);
      expect(times(awake)).toHaveLength(100);
      const last = Math.floor((T0 + 365 * DAY) / SECOND) * SECOND;
      expect(times(awake)).toEqual(Array.from({ length: 100 }, (_, i) => last - (99 - i) * SECOND));
      expect(decision.events[0]?.data).toMatchObject({ scheduledAt: last - 99 * SECOND, skippedSince: T0 + SECOND });
      expect(decision.events.filter(({ data }) => 'skippedSince' in data)).toHaveLength(1);
      expect(only(awake)).toMatchObject({ made: 100, skippedSince: T0 + SECOND, nextAt: last + SECOND });
    },
  );

  test('one is made, for the latest time, where that was asked for', () => {
    const { scene } = recurs({ every: '1m', missed: 'latest' });
    const awake = settled(scene.later(5 * MINUTE + 1));
    expect(times(awake)).toEqual([T0 + 5 * MINUTE]);
    expect(only(awake)).toMatchObject({ made: 1, skippedSince: T0 + MINUTE, nextAt: T0 + 6 * MINUTE });
    // What comes in time skips nothing.
    const next = awake.later(MINUTE).whenDue();
    expect(next.events[0]?.data).not.toHaveProperty('skippedSince');
    expect(times(next.after)).toEqual([T0 + 5 * MINUTE, T0 + 6 * MINUTE]);
  });

  test('clocks that were set meanwhile make no task more or less', () => {
    const start = Date.UTC(2026, 9, 24, 12);
    const before: Past = { type: 'agent_noted', at: start, data: {} };
    const { scene } = recurs({ cron: '30 * * * *', tz: 'Europe/Berlin' }, given(table, before));
    const awake = settled(scene.later(DAY));
    expect(times(awake)).toEqual(Array.from({ length: 24 }, (_, i) => start + 30 * MINUTE + i * 60 * MINUTE));
  });

  test('each time has one task, however often and however long it slept', () => {
    const naps = fc.array(fc.integer({ min: 1, max: 40 * SECOND }), { minLength: 1, maxLength: 25 });
    const schedule = fc.constantFrom({ every: '1s' }, { every: '7s' }, { cron: '*/5 * * * * *' });
    fc.assert(
      fc.property(naps, schedule, (ms, fields) => {
        const { scene } = recurs(fields);
        const awake = ms.reduce((at, nap) => settled(at.later(nap)), scene);
        const step = 'cron' in fields ? 5 * SECOND : Number.parseInt(fields.every, 10) * SECOND;
        const first = T0 + step;
        expect(times(awake)).toEqual(times(awake).map((_, i) => first + i * step));
        // No time that has come is without its task.
        expect(only(awake).nextAt).toBe(first + times(awake).length * step);
        expect(only(awake).made).toBe(times(awake).length);
      }),
      { numRuns: 100 },
    );
  });
});

describe('what has an end', () => {
  test.each([
    ['on a time makes the task for that time, and no more', T0 + 3 * MINUTE, 3],
    ['between two makes the ones before it', T0 + 3 * MINUTE - 1, 2],
  ])('%s', (_, until, count) => {
    const { scene, id } = recurs({ every: '1m', until });
    for (const awake of [
      settled(scene.later(DAY)),
      settled([1, 2, 3, 4].reduce((at) => settled(at.later(MINUTE)), scene)),
    ]) {
      expect(times(awake)).toEqual(Array.from({ length: count }, (_, i) => T0 + (i + 1) * MINUTE));
      expect(only(awake)).not.toHaveProperty('nextAt');
    }
    // It goes on where the end is taken away or moved.
    const over = settled(scene.later(DAY));
    const { answer } = over.when('recurring.update', { id, until: null });
    expect(answer.recurring.nextAt).toBe(T0 + DAY + MINUTE);
    expect(answer.recurring).not.toHaveProperty('until');
  });
});

describe('changing', () => {
  const change = (scene: Scene, id: string, fields: object) => scene.when('recurring.update', { id, ...fields });

  test('what its tasks say touches the given fields of later ones, and not when they come', () => {
    const { scene, id } = recurs({ every: '1m', assignee: 'kai', tags: ['a'] });
    const first = settled(scene.later(MINUTE));
    const { answer, after } = change(first, id, { task: { title: 'Mop', assignee: null, priority: 'P0' } });
    expect(answer.recurring.task).toEqual({ title: 'Mop', tags: ['a'], priority: 'P0' });
    expect(answer.recurring.nextAt).toBe(T0 + 2 * MINUTE);
    const [old, next] = settled(after.later(MINUTE)).all('tasks');
    expect(old).toMatchObject({ title: 'Sweep', assignee: 'kai' });
    expect(next).toMatchObject({ title: 'Mop', priority: 'P0', scheduledAt: T0 + 2 * MINUTE });
    expect(next).not.toHaveProperty('assignee');
  });

  test('nothing is no change', () => {
    const { scene, id } = recurs({ every: '1m', until: T0 + DAY });
    change(scene, id, {}).thenNothing();
    change(scene, id, {
      every: '1m',
      until: T0 + DAY,
      paused: false,
      missed: 'each',
      task: { title: 'Sweep' },
    }).thenNothing();
    change(scene, id, { due_in: null, task: { assignee: null } }).thenNothing();
  });

  test('an interval to an expression and back leaves nothing of the one that was', () => {
    const { scene, id } = recurs({ every: '1m', start: T0 + 30 * SECOND });
    const cron = change(scene, id, { cron: '0 1 * * *', tz: 'Europe/Berlin' });
    expect(cron.answer.recurring).toMatchObject({ cron: '0 1 * * *', tz: 'Europe/Berlin', nextAt: DAY });
    expect(cron.answer.recurring).not.toHaveProperty('every');
    expect(cron.answer.recurring).not.toHaveProperty('start');
    const other = change(cron.after, id, { cron: '30 1 * * *' });
    expect(other.answer.recurring).toMatchObject({ tz: 'Europe/Berlin', nextAt: 30 * MINUTE });
    const every = change(other.after, id, { every: '2m' });
    expect(every.answer.recurring).toMatchObject({ every: '2m', nextAt: T0 + 2 * MINUTE });
    expect(every.answer.recurring).not.toHaveProperty('cron');
    expect(every.answer.recurring).not.toHaveProperty('tz');
    expect(change(every.after, id, { cron: '0 0 * * *' }).answer.recurring.tz).toBe('UTC');
  });

  test.each([
    ['every', { every: '1h', cron: '0 * * * *' }, ['/every']],
    ['every', { tz: 'UTC' }, ['/tz']],
    ['every', { cron: '0 * * * *', start: 5 }, ['/start']],
    ['every', { cron: '0 0 30 2 *' }, ['/cron']],
    ['cron', { every: '1h', tz: 'UTC' }, ['/tz']],
    ['cron', { start: 5 }, ['/start']],
    ['cron', { tz: 'Mars/Olympus' }, ['/tz']],
    ['cron', { cron: 'x' }, ['/cron']],
    ['cron', { every: '1y' }, ['/every']],
    ['cron', { task: { title: '' } }, ['/task/title']],
  ])('what recurs by %s to %j is refused, with the place', (kind, fields, pointers) => {
    const { scene, id } = recurs(kind === 'every' ? { every: '1m' } : { cron: '0 0 * * *' });
    expect(faultyFields(change(scene, id, fields))).toEqual(pointers);
  });

  test('pauses it, and lets it go on from now without making up for what passed', () => {
    const { scene, id } = recurs({ every: '1m' });
    const paused = change(settled(scene.later(MINUTE)), id, { paused: true });
    expect(paused.answer.recurring).toMatchObject({ paused: true, made: 1 });
    expect(paused.answer.recurring).not.toHaveProperty('nextAt');
    const later = paused.after.later(10 * MINUTE + 1);
    expect(() => later.whenDue()).toThrow('nothing is due');
    const resumed = change(later, id, { paused: '0' });
    expect(resumed.answer.recurring.nextAt).toBe(T0 + 12 * MINUTE);
    expect(times(settled(resumed.after.later(2 * MINUTE)))).toEqual([1, 12, 13].map((i) => T0 + i * MINUTE));
    // What is changed while it is paused stays paused.
    expect(change(paused.after, id, { every: '1s' }).answer.recurring).not.toHaveProperty('nextAt');
  });

  test('or deleting what is not there is refused; what is deleted comes no more, and its tasks stay', () => {
    const { scene, id } = recurs({ every: '1m' });
    const once = settled(scene.later(MINUTE));
    const deleted = once.when('recurring.delete', { id, agent: 'kai' }).after;
    expect(() => deleted.later(DAY).whenDue()).toThrow('nothing is due');
    expect([deleted.all('recurring'), times(deleted)]).toEqual([[], [T0 + MINUTE]]);
    change(deleted, id, { paused: true }).thenRefused('recurring_not_found');
    deleted.when('recurring.delete', { id }).thenRefused('recurring_not_found');
  });
});
