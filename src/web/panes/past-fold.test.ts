import { describe, expect, test } from 'vitest';
import type { Event } from '../../client/index.ts';
import { type AskEvents, PAGE, Past } from './past-fold.ts';

/** A task that is made at first, and retitled by every later event. */
function eventAt(seq: number): Event {
  const data =
    seq === 1 ? { id: 't', title: '1', status: 'todo', createdBy: 'kai' } : { id: 't', changes: { title: `${seq}` } };
  return { seq, at: seq, type: seq === 1 ? 'task_created' : 'task_updated', actor: 'kai', subject: 't', data };
}

function journal(length: number, hidden: (seq: number) => boolean = () => false, most = PAGE) {
  const asked: number[] = [];
  const ask: AskEvents = async (after) => {
    asked.push(after);
    const events: Event[] = [];
    let upTo = after;
    while (upTo < length && events.length < most) if (!hidden(++upTo)) events.push(eventAt(upTo));
    return { events, upTo, atEnd: upTo >= length };
  };
  return { ask, asked };
}

const titleOf = async (past: Past, seq: number) => (await past.at(() => seq)).tasks[0]?.title;

describe('what was', () => {
  test('is the same whichever way one comes to it', async () => {
    const { ask } = journal(5_500);
    const past = new Past(ask);
    for (const seq of [5_500, 1, 4_999, 5_000, 5_001, 2, 3_333]) expect(await titleOf(past, seq)).toBe(String(seq));
    expect((await past.at(() => 0)).tasks).toEqual([]);
  });

  test('is asked for once on the way there, and near from then on', async () => {
    const { ask, asked } = journal(20_000);
    const past = new Past(ask);
    await past.at(() => 20_000);
    expect(asked).toHaveLength(20);
    expect(await titleOf(past, 10_500)).toBe('10500');
    expect(asked).toHaveLength(20);
  });

  test('takes a bounded memory however long the journal is', async () => {
    const { ask, asked } = journal(150_000);
    const past = new Past(ask);
    await past.at(() => 150_000);
    expect(past.kept).toBeLessThanOrEqual(32);
    const before = asked.length;
    expect(await titleOf(past, 75_321)).toBe('75321');
    expect(asked.length - before).toBeLessThanOrEqual(8);
  });

  test('may become another one while it is sought', async () => {
    const { ask } = journal(50_000);
    const past = new Past(ask);
    let wanted = 50_000;
    const then = await past.at(
      () => wanted,
      (seq) => {
        if (seq >= 3_000) wanted = 1_234;
      },
    );
    expect([then.seq, then.tasks[0]?.title]).toEqual([1_234, '1234']);
  });

  test('leaves out what is not for who looks, and says so', async () => {
    const { ask } = journal(3_000, (seq) => seq % 3 === 0);
    const past = new Past(ask);
    const then = await past.at(() => 2_400);
    expect(then.event).toBeUndefined();
    expect(then.tasks[0]?.title).toBe('2399');
    expect((await past.at(() => 2_401)).event?.seq).toBe(2_401);
  });

  test('is whole where the server answers with less than was asked for', async () => {
    const { ask } = journal(2_500, undefined, 70);
    const past = new Past(ask);
    for (const seq of [2_500, 999, 1_001]) expect(await titleOf(past, seq)).toBe(String(seq));
  });

  test('goes on to what has happened meanwhile', async () => {
    let length = 10;
    const past = new Past((after) => journal(length).ask(after));
    expect(await titleOf(past, 10)).toBe('10');
    length = 1_400;
    expect(await titleOf(past, 1_400)).toBe('1400');
  });

  test('begins where the oldest event is', async () => {
    const { ask, asked } = journal(2_000);
    const past = new Past(ask, 700);
    const then = await past.at(() => 3);
    expect([then.seq, then.tasks]).toEqual([700, []]);
    await past.at(() => 800);
    expect(asked).toEqual([700]);
  });

  test('that cannot be read is said, and can be asked for again', async () => {
    let fails = true;
    const { ask } = journal(100);
    const past = new Past((after) => (fails ? Promise.reject(new Error('cut')) : ask(after)));
    await expect(past.at(() => 50)).rejects.toThrow('cut');
    fails = false;
    expect(await titleOf(past, 50)).toBe('50');
  });
});
