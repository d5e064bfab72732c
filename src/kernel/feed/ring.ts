import type { Entry } from './entry.ts';

export interface RingLimits {
  events: number;
  bytes: number;
}

/** What an entry costs beside its bytes, roughly. */
const OVERHEAD = 200;

/** The newest events, shared by all readers. Behind it are the segment files. */
export class Ring {
  readonly #limits: RingLimits;
  readonly #entries: (Entry | undefined)[];
  #first = 0;
  #last = 0;
  #bytes = 0;

  /** An empty ring that stands after `head`. */
  constructor(head: number, limits: RingLimits = { events: 65_536, bytes: 64 * 1024 * 1024 }) {
    this.#limits = limits;
    this.#entries = [];
    this.#first = head + 1;
    this.#last = head;
  }

  push(entry: Entry): void {
    this.#last = entry.seq;
    this.#entries[this.#last % this.#limits.events] = entry;
    this.#bytes += sizeOf(entry);
    while (this.#last - this.#first >= this.#limits.events || this.#bytes > this.#limits.bytes) this.#dropFirst();
  }

  #dropFirst(): void {
    const slot = this.#first % this.#limits.events;
    const entry = this.#entries[slot];
    if (entry && entry.seq === this.#first) {
      this.#bytes -= sizeOf(entry);
      this.#entries[slot] = undefined;
    }
    this.#first++;
  }

  /** True where the event after `seq`, if there is one, is here. */
  covers(seq: number): boolean {
    return seq + 1 >= this.#first;
  }

  get(seq: number): Entry | undefined {
    if (seq < this.#first || seq > this.#last) return undefined;
    return this.#entries[seq % this.#limits.events];
  }

  get last(): number {
    return this.#last;
  }

  get bytes(): number {
    return this.#bytes;
  }
}

function sizeOf(entry: Entry): number {
  return entry.size + OVERHEAD;
}
