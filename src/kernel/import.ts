import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import { MAX_RECORD_BYTES } from './event.ts';
import { AgentName } from './names.ts';

/** What became of one thing that was to be imported. `differs`: it is there with other content, and stays as it is. */
export const Outcome = z.enum(['imported', 'there', 'differs']);
export type Outcome = z.infer<typeof Outcome>;

/** Who did something in an imported history: an agent, or the server of that time. */
export const Author = z.union([z.literal('system'), AgentName]);

/** Milliseconds since 1970 in an imported history. */
export const Time = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER);

/** Bytes of an event beside its data, at most. */
const ENVELOPE = 2 * 1024;

/** True where the data fits into one event. */
export function fitsOneEvent(data: unknown): boolean {
  return Buffer.byteLength(JSON.stringify(data)) <= MAX_RECORD_BYTES - ENVELOPE;
}

export const TOO_LARGE = `too large: one event holds at most ${MAX_RECORD_BYTES} bytes`;

/** Compares what was to be imported with what is there, as JSON. */
export function outcomeOf(wanted: unknown, there: unknown): Outcome {
  return isDeepStrictEqual(plain(wanted), plain(there)) ? 'there' : 'differs';
}

function plain(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value ?? null));
}
