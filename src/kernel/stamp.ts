import { Refusal } from './errors.ts';
import { type Draft, type Encoded, type Event, encode, type IdempotencyMark, MAX_RECORD_BYTES } from './event.ts';

/** The place in the order that a command gets, and what its events have in common. */
export interface Place {
  /** Seq of its first event. */
  first: number;
  now: number;
  actor: string;
  mark: IdempotencyMark | undefined;
}

/** Gives the drafts of one command their seqs and encodes each once. Throws Refusal `too_large`. */
export function stamp(drafts: readonly Draft[], { first, now, actor, mark }: Place): Encoded[] {
  const n = drafts.length;
  return drafts.map((draft, i) => {
    // Members in the order of the journal's line, so that an event has the same bytes wherever it is written.
    const { type, subject, data } = draft;
    const by = draft.actor ?? actor;
    const [seq, at] = [first + i, now + i];
    const event: Event =
      subject === undefined ? { seq, at, type, actor: by, data } : { seq, at, type, actor: by, subject, data };
    if (n > 1) event.tx = { id: first, i: i + 1, n };
    const record = encode(event, i === 0 ? markOf(event, actor, mark) : undefined);
    if (record.line.length * 3 > MAX_RECORD_BYTES && Buffer.byteLength(record.line) > MAX_RECORD_BYTES) {
      throw new Refusal(
        'too_large',
        `One event holds at most ${MAX_RECORD_BYTES} bytes; this one has ${Buffer.byteLength(record.line)}.`,
      );
    }
    return record;
  });
}

/** The key is the caller's, also where the event is somebody else's. */
function markOf({ actor }: Event, caller: string, mark: IdempotencyMark | undefined): IdempotencyMark | undefined {
  return mark === undefined || actor === caller ? mark : { ...mark, caller };
}
