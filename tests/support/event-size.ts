import { type Draft, MAX_RECORD_BYTES } from '../../src/kernel/event.ts';
import { stamp } from '../../src/kernel/stamp.ts';
import { type Decision, T0 } from './given.ts';

/** The bytes that each event has in the journal. */
export function bytesOf(drafts: readonly Draft[]): number[] {
  const records = stamp(drafts, { first: 1, now: T0, actor: 'link', mark: undefined });
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
