import { type Draft, MAX_RECORD_BYTES } from '../../src/kernel/event.ts';
import { stamp } from '../../src/kernel/stamp.ts';
import type { Decision, Past } from './given.ts';

/** After it times and numbers have as many digits as they have these days. */
export const THESE_DAYS: Past = { type: 'time_passed', at: Date.UTC(2026, 0, 1), data: {} };

/** The bytes that each event has in the journal. */
export function bytesOf(drafts: readonly Draft[], actor = 'system'): number[] {
  const records = stamp(drafts, { first: 10_000, now: Date.UTC(2026, 1, 1), actor, mark: undefined });
  return records.map(({ line }) => Buffer.byteLength(line));
}

/** The most bytes of something with which a command is not refused as `too_large`: a little less than an event holds. */
export function mostBytes(decide: (bytes: number) => Decision): number {
  const fits = (bytes: number) => {
    const decision = decide(bytes);
    try {
      return decision.events.length > 0;
    } catch {
      decision.thenRefused('too_large');
      return false;
    }
  };
  let [low, high] = [MAX_RECORD_BYTES - 4_000, MAX_RECORD_BYTES];
  if (!fits(low)) throw new Error(`${low} bytes do not fit`);
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (fits(middle)) low = middle;
    else high = middle;
  }
  return low;
}
