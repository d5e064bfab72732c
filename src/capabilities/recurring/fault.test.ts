import { describe, expect, test } from 'vitest';
import { bytesOf, mostBytes, THESE_DAYS } from '../../../tests/support/event-size.ts';
import { given, type Past, T0 } from '../../../tests/support/given.ts';
import { faultyFields, recurs, settled, table } from '../../../tests/support/recurring.ts';
import { MAX_RECORD_BYTES } from '../../kernel/event.ts';

const DAY = 86_400_000;

describe('what no task can be made of', () => {
  test('because the task would not fit into an event is refused at once, and what just fits comes', () => {
    const input = (bytes: number) => ({
      title: 'Sweep',
      assignee: 'kai',
      createdBy: 'link',
      every: '1s',
      due_in: 1,
      metadata: { text: 'x'.repeat(bytes) },
    });
    const before = given(table, THESE_DAYS);
    const most = mostBytes((bytes) => before.when('recurring.create', input(bytes)));
    const { scene, id } = recurs(input(most), before);
    const { events } = scene.later(DAY).whenDue();
    const largest = Math.max(...bytesOf(events));
    expect(largest).toBeLessThanOrEqual(MAX_RECORD_BYTES);
    // What is left is for the digits of times and numbers to come.
    expect(MAX_RECORD_BYTES - largest).toBeLessThan(100);
    // Nor can it become so later.
    scene.when('recurring.update', { id, task: { title: 'x'.repeat(500) } }).thenRefused('too_large');
  });

  /** What was created once, as an older server may have let it be. */
  const old = (id: string, more: object): Past => ({
    type: 'recurring_created',
    actor: 'link',
    subject: id,
    data: { id, task: { title: id }, missed: 'each', made: 0, createdBy: 'link', createdAt: 1, updatedAt: 1, ...more },
  });

  test.each([
    ['an expression that is none any more', { cron: 'never', tz: 'UTC' }],
    ['a time zone that is gone', { cron: '* * * * *', tz: 'Atlantis/Poseidonis' }],
    ['no schedule', {}],
    ['a task that is too large', { every: '1s', task: { title: 'x'.repeat(MAX_RECORD_BYTES) } }],
  ])('%s: it is paused and says why, and the others come', (_, more) => {
    const scene = given(
      table,
      old('broken', { nextAt: T0 - 2, ...more }),
      old('sound', { every: '1s', nextAt: T0 - 1, start: T0 - 1 }),
    );
    const { after, events } = scene.later(500).whenDue();
    expect(events.map(({ type, subject }) => [type, subject])).toEqual([['recurring_failed', 'broken']]);
    expect(after.concerned('link', 'kai')).toEqual(['link']);
    const done = settled(after);
    expect(done.all('tasks').map(({ recurring }) => recurring)).toEqual(['sound']);
    expect(done.entity('recurring', 'broken')).toMatchObject({ paused: true, fault: expect.any(String) });
    expect(done.entity('recurring', 'broken').fault).not.toBe('');
    // It goes on when it is mended, and not before.
    expect(faultyFields(done.when('recurring.update', { id: 'broken', every: '1s', tz: 'UTC' }))).toEqual(['/tz']);
    const mended = done.when('recurring.update', { id: 'broken', every: '5s', task: { title: 'T' }, paused: false });
    expect(mended.answer.recurring).toMatchObject({ every: '5s', paused: false, nextAt: expect.any(Number) });
    expect(mended.answer.recurring).not.toHaveProperty('fault');
  });

  test('an expression that is read otherwise than it was goes on from now', () => {
    const scene = given(table, old('moved', { cron: '0 0 * * *', tz: 'UTC', nextAt: T0 - 1 }));
    const { events, after } = scene.later(5).whenDue();
    expect(events).toEqual([
      { type: 'recurring_updated', subject: 'moved', data: { id: 'moved', changes: {}, nextAt: DAY } },
    ]);
    expect(after.all('tasks')).toEqual([]);
  });
});
