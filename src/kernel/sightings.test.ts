import { describe, expect, test } from 'vitest';
import { Sightings } from './sightings.ts';

/** Sightings with a clock that stands at 1000, before event 5, and what was called around each note. */
function sightings() {
  const now = { at: 1_000, seq: 5 };
  const calls: string[] = [];
  const seen: Sightings = new Sightings({
    wall: () => now.at,
    next: () => now.seq,
    before: () => void calls.push(`before ${seen.of('link').connections}`),
    after: (agent) => void calls.push(`${agent} ${seen.of(agent).connections}`),
  });
  return { now, calls, seen };
}

const NEVER = Number.NEGATIVE_INFINITY;

describe('an agent', () => {
  test('that was never seen was so at no time', () => {
    expect(sightings().seen.of('link')).toEqual({
      connections: 0,
      waiting: 0,
      seen: { at: NEVER, seq: 0 },
      acted: { at: NEVER, seq: 0 },
      waited: NEVER,
      left: NEVER,
    });
  });

  test('is seen at a time and before an event; its acts are its own events', () => {
    const { now, seen } = sightings();
    seen.seen('link');
    now.at = 2_000;
    seen.acted('link', 9);
    expect(seen.of('link')).toMatchObject({ seen: { at: 1_000, seq: 5 }, acted: { at: 2_000, seq: 9 } });
    expect(seen.of('kai').seen.at).toBe(NEVER);
  });

  test('has as many streams as are open, each ended once', () => {
    const { now, seen } = sightings();
    const [first, second] = [seen.opened('link'), seen.opened('link')];
    expect(seen.of('link')).toMatchObject({ connections: 2, seen: { at: 1_000 }, left: NEVER });
    now.at = 2_000;
    first();
    first();
    expect(seen.of('link')).toMatchObject({ connections: 1, seen: { at: 1_000 }, left: 2_000 });
    second();
    expect(seen.of('link').connections).toBe(0);
  });

  test('waits in as many requests as there are, each ended once, and is seen as each begins', () => {
    const { now, seen } = sightings();
    const [first, second] = [seen.waits('link'), seen.waits('link')];
    expect(seen.of('link')).toMatchObject({ waiting: 2, seen: { at: 1_000 }, waited: NEVER });
    now.at = 2_000;
    first();
    first();
    expect(seen.of('link')).toMatchObject({ waiting: 1, waited: 2_000, left: 2_000 });
    second();
    expect(seen.of('link').waiting).toBe(0);
  });

  test('that says goodbye with its last stream was never seen, unless it waits', () => {
    const { seen } = sightings();
    const [first, second] = [seen.opened('link'), seen.opened('link')];
    first(true);
    expect(seen.of('link').seen.at).toBe(1_000);
    second(true);
    expect(seen.of('link')).toEqual(seen.of('nobody'));
    const [stream] = [seen.opened('link'), seen.waits('link')];
    stream(true);
    expect(seen.of('link')).toMatchObject({ connections: 0, waiting: 1, seen: { at: 1_000 } });
  });

  test('is recalled as it was seen; what is not known was never', () => {
    const { seen } = sightings();
    seen.recall('link', { seen: 10, left: 20 });
    expect(seen.of('link')).toMatchObject({
      seen: { at: 10, seq: 5 },
      acted: { at: NEVER, seq: 0 },
      waited: NEVER,
      left: 20,
    });
  });
});

test('before a sign of life what is due is done, and after each note whoever keeps watch is told', () => {
  const { calls, seen } = sightings();
  const end = seen.opened('link');
  seen.seen('link');
  // An act is of one moment with the sign that came before it, and its events are told.
  seen.acted('link', 5);
  end();
  expect(calls).toEqual(['before 0', 'link 1', 'before 1', 'link 1', 'link 0']);
});
