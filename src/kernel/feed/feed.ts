import { formatCursor, parseCursor } from '../cursor.ts';
import { Refusal } from '../errors.ts';
import type { Encoded, Event } from '../event.ts';
import type { Journal } from '../journal/journal.ts';
import { type Entry, entriesOf, entryOf } from './entry.ts';
import { Ephemera } from './ephemera.ts';
import { compileFilter, type Filter, type FilterInput, type Relevance } from './filter.ts';
import { Ring, type RingLimits } from './ring.ts';

/** A stretch of the order as one subscriber sees it. */
export interface Page {
  readonly entries: readonly Entry[];
  /** Everything up to here was looked at. */
  readonly to: number;
  /** Events looked at and not matched. */
  readonly skipped: number;
}

/** Why a stream cannot go on from where the reader stands. */
export type Gap = 'epoch' | 'ahead' | 'expired';

/** How a door writes a page; pages of readers that stand at the same place are written once. */
export interface Format<C> {
  readonly key: string;
  render(entries: readonly Entry[]): C;
}

/** Bounds of a page. */
export interface PageLimits {
  events: number;
  bytes: number;
  /** Events looked at, matched or not. */
  scan: number;
}

const LIMITS: PageLimits = { events: 64, bytes: 64 * 1024, scan: 4_096 };
const CACHED_CHUNKS = 64;

export interface FeedOptions {
  journal: Journal;
  relevance: Relevance;
  /** The agents that may read an event; undefined means everybody. */
  readersOf: (event: Event) => readonly string[] | undefined;
  ring?: RingLimits;
}

/** The one ordered stream of durable events: a ring of the newest, the journal behind it, and who waits for more. */
export class Feed {
  readonly epoch: string;
  readonly #journal: Journal;
  readonly #relevance: Relevance;
  readonly #readersOf: FeedOptions['readersOf'];
  /** The entries of the last publication, which still have their parsed event. */
  #fresh: readonly Entry[] = [];
  readonly #ring: Ring;
  readonly #waiting = new Set<() => void>();
  readonly #chunks = new Map<string, { to: number; chunk: unknown }>();
  #wakeScheduled = false;
  /** Streams that are open, by door. */
  readonly subscribers = new Map<string, number>();
  /** Readers that have stopped taking bytes while there is more. */
  readonly stalled = new Set<object>();
  /** Beside the order: what is shown and not kept. */
  readonly ephemera: Ephemera;

  constructor(options: FeedOptions) {
    this.#journal = options.journal;
    this.epoch = options.journal.epoch;
    this.#relevance = options.relevance;
    this.#readersOf = options.readersOf;
    this.#ring = new Ring(options.journal.durable, options.ring);
    this.ephemera = new Ephemera(options.readersOf);
  }

  /** Seq of the newest event that may be shown. */
  get head(): number {
    return this.#ring.last;
  }

  get earliest(): number {
    return this.#journal.earliest;
  }

  get ringBytes(): number {
    return this.#ring.bytes;
  }

  cursor(seq: number = this.head): string {
    return formatCursor(this.epoch, seq);
  }

  filter(input: FilterInput, reader: string | undefined): Filter {
    return compileFilter(input, reader ?? input.agent, this.#relevance);
  }

  /** Shows durable records, whose lines stand in `bytes`, to everybody who waits. The kernel calls it once for each batch. */
  publish(records: readonly Encoded[], bytes: Buffer): void {
    for (const entry of this.#fresh) entry.age();
    this.#fresh = entriesOf(records, bytes, this.#readersOf);
    for (const entry of this.#fresh) this.#ring.push(entry);
    this.#chunks.clear();
    if (this.#wakeScheduled || this.#waiting.size === 0) return;
    this.#wakeScheduled = true;
    // Answers go out first, and batches that settle in the same turn are shown together.
    setImmediate(() => {
      this.#wakeScheduled = false;
      const waiting = [...this.#waiting];
      this.#waiting.clear();
      for (const wake of waiting) wake();
    });
  }

  /** Calls `wake` once, at the next event. The answer takes the wish back. */
  onNext(wake: () => void): () => void {
    this.#waiting.add(wake);
    return () => this.#waiting.delete(wake);
  }

  /** Where a stream begins: the seq after which events follow, or why there is a gap. Throws `invalid_cursor`. */
  locate(after: string | undefined): { seq: number } | { gap: Gap } {
    if (after === undefined || after === 'now') return { seq: this.head };
    if (after === 'earliest') return { seq: this.earliest };
    const { epoch, seq } = parseCursor(after, this.epoch);
    if (epoch !== this.epoch) return { gap: 'epoch' };
    if (seq > this.head) return { gap: 'ahead' };
    if (seq < this.earliest) return { gap: 'expired' };
    return { seq };
  }

  /** The same for doors that can answer with a status: throws `cursor_gone`. */
  locateOrRefuse(after: string | undefined): number {
    const place = this.locate(after);
    if ('seq' in place) return place.seq;
    throw new Refusal('cursor_gone', describeGap(place.gap), {
      extra: { reason: place.gap, earliest: this.cursor(this.earliest), head: this.cursor(), snapshot: '/snapshot' },
    });
  }

  /** Reads on from `after`, from memory where it can; undefined where the answer is on disk. */
  pageFromMemory(after: number, filter: Filter, limits: PageLimits = LIMITS): Page | undefined {
    return this.#ring.covers(after)
      ? takePage(after, this.head, (seq) => this.#ring.get(seq), filter, limits)
      : undefined;
  }

  async page(after: number, filter: Filter, limits: PageLimits = LIMITS): Promise<Page> {
    const page = this.pageFromMemory(after, filter, limits);
    if (page) return page;
    const records = await this.#journal.read(after, Math.min(limits.scan, 1_000), 4 * limits.bytes);
    const first = after + 1;
    return takePage(
      after,
      after + records.length,
      (seq) => {
        const record = records[seq - first];
        return record && entryOf(record, this.#readersOf);
      },
      filter,
      limits,
    );
  }

  /** Writes a page in a door's format, once for all readers that stand at the same place with the same filter. */
  render<C>(page: Page, after: number, filter: Filter, format: Format<C>): C {
    const key = `${format.key} ${after} ${filter.key}`;
    const cached = this.#chunks.get(key);
    if (cached && cached.to === page.to) return cached.chunk as C;
    const chunk = format.render(page.entries);
    if (this.#chunks.size >= CACHED_CHUNKS) this.#chunks.clear();
    this.#chunks.set(key, { to: page.to, chunk });
    return chunk;
  }

  /** Counts an open stream of a door; the answer ends it. */
  opened(door: string): () => void {
    this.subscribers.set(door, (this.subscribers.get(door) ?? 0) + 1);
    let open = true;
    return () => {
      if (open) this.subscribers.set(door, (this.subscribers.get(door) ?? 0) - 1);
      open = false;
    };
  }
}

/** Says in one sentence why a stream cannot go on. */
export function describeGap(gap: Gap): string {
  if (gap === 'epoch')
    return 'The cursor belongs to another epoch of the journal (restored, repaired, or another server).';
  if (gap === 'ahead') return 'The cursor is ahead of the journal.';
  return 'The events after this cursor are no longer kept.';
}

/** A command of several events stays on one page, so nothing comes between them. */
function takePage(
  after: number,
  head: number,
  at: (seq: number) => Entry | undefined,
  filter: Filter,
  limits: PageLimits,
): Page {
  const entries: Entry[] = [];
  let bytes = 0;
  let seq = after;
  while (seq < head) {
    const entry = at(seq + 1);
    if (entry === undefined) break;
    const { tx } = entry;
    const within = tx !== undefined && tx.i > 1;
    const full = entries.length >= limits.events || bytes >= limits.bytes || seq - after >= limits.scan;
    if (full && !within) break;
    seq++;
    if (!filter.matches(entry)) continue;
    if (!within && entries.length > 0 && bytes + entry.size > limits.bytes) {
      seq--;
      break;
    }
    entries.push(entry);
    bytes += entry.size;
  }
  return { entries, to: seq, skipped: seq - after - entries.length };
}
