import type { Encoded, Event } from '../event.ts';

/**
 * A durable event as subscribers need it: what filters ask, and the bytes that the journal has. The newest keep their
 * parsed event as well; older ones hold bytes outside of the heap, so that the garbage collector has little to walk.
 */
export class Entry {
  readonly seq: number;
  readonly at: number;
  readonly type: string;
  readonly actor: string;
  readonly subject: string | undefined;
  readonly channel: string | undefined;
  readonly tx: Event['tx'];
  /** The agents that may read it; undefined means everybody. */
  readonly readers: readonly string[] | undefined;
  readonly #bytes: Buffer;
  readonly #start: number;
  readonly #end: number;
  #fresh: Encoded | undefined;

  /** `bytes` hold, from `start` to before `end`, the event's JSON without its closing brace. */
  constructor(encoded: Encoded, readers: readonly string[] | undefined, bytes: Buffer, start: number, end: number) {
    const { event } = encoded;
    this.seq = event.seq;
    this.at = event.at;
    this.type = event.type;
    this.actor = event.actor;
    this.subject = event.subject;
    this.channel = typeof event.data.channel === 'string' ? event.data.channel : undefined;
    this.tx = event.tx;
    this.readers = readers;
    this.#bytes = bytes;
    this.#start = start;
    this.#end = end;
    this.#fresh = encoded;
  }

  /** The event as JSON, as every door shows it. */
  get frame(): string {
    return this.#fresh?.frame ?? `${this.#bytes.toString('utf8', this.#start, this.#end)}}`;
  }

  get event(): Event {
    return this.#fresh?.event ?? (JSON.parse(this.frame) as Event);
  }

  /** Bytes of the frame. */
  get size(): number {
    return this.#end - this.#start + 1;
  }

  /** Lets go of the parsed event; it is read from the bytes from now on. */
  age(): void {
    this.#fresh = undefined;
  }
}

type ReadersOf = (event: Event) => readonly string[] | undefined;

/** Entries of records whose lines stand one after another in `bytes`. */
export function entriesOf(records: readonly Encoded[], bytes: Buffer, readersOf: ReadersOf): Entry[] {
  // What is kept beside an event would stay in memory as long as the batch's bytes.
  if (records.some(({ idem }) => idem?.done !== undefined)) return records.map((each) => entryOf(each, readersOf));
  let characters = 0;
  for (const { line } of records) characters += line.length;
  // Text of one byte a character, which most is, needs no second count.
  const lengthOf =
    characters === bytes.length ? (text: string) => text.length : (text: string) => Buffer.byteLength(text);
  let start = 0;
  return records.map((record) => {
    const entry = new Entry(record, readersOf(record.event), bytes, start, start + lengthOf(record.frame) - 1);
    start += lengthOf(record.line);
    return entry;
  });
}

/** An entry of a record that was read back from the journal. */
export function entryOf(record: Encoded, readersOf: ReadersOf): Entry {
  const bytes = Buffer.from(record.frame);
  return new Entry(record, readersOf(record.event), bytes, 0, bytes.length - 1);
}
