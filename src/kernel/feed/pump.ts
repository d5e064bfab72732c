import type { Feed, Gap, Page, PageLimits } from './feed.ts';
import type { Filter } from './filter.ts';

/** What a pump writes to. */
export interface Sink {
  /** Writes the events of a page that follows seq `after`. False means: stop until `resume` is called. */
  events(page: Page, after: number): boolean;
  /** Everything that matches up to `seq` has been written; `upToDate` where that is the head. */
  sync(seq: number, upToDate: boolean, count: number): void;
  /** The stream cannot go on from where it stands. */
  reset(reason: Gap | 'damaged'): void;
}

export interface PumpOptions {
  after: number;
  filter: Filter;
  limits?: PageLimits;
}

/** Filtered-out events after which the reader is told how far it is. */
const SYNC_AFTER_SKIPPED = 1_000;
/** Pages written in one turn of the event loop before others get theirs. */
const PAGES_A_TURN = 16;

/**
 * Moves one reader along the feed at the reader's pace. It holds a place in the order and never a queue, so a reader
 * that stops costs nothing but its socket.
 */
export class Pump {
  readonly #feed: Feed;
  readonly #sink: Sink;
  readonly #filter: Filter;
  readonly #limits: PageLimits | undefined;
  #after: number;
  #count = 0;
  #skipped = 0;
  #announced = -1;
  #blocked = false;
  #running = false;
  #closed = false;
  #forget: (() => void) | undefined;

  constructor(feed: Feed, sink: Sink, { after, filter, limits }: PumpOptions) {
    this.#feed = feed;
    this.#sink = sink;
    this.#filter = filter;
    this.#limits = limits;
    this.#after = after;
  }

  /** Everything up to this seq was written or did not match. */
  get position(): number {
    return this.#after;
  }

  /** True where the reader has stopped taking bytes while there is more. */
  get blocked(): boolean {
    return this.#blocked;
  }

  start(): void {
    this.#run();
  }

  /** The reader takes bytes again. */
  resume(): void {
    this.#stall(false);
    this.#run();
  }

  /** Stops taking pages until `resume`. */
  block(): void {
    this.#stall(true);
  }

  /** Tells the reader how far it is, where it is not in the middle of something. */
  sync(): void {
    if (!this.#blocked && !this.#closed && !this.#running) this.#announce();
  }

  close(): void {
    this.#closed = true;
    this.#feed.stalled.delete(this);
    this.#forget?.();
  }

  #stall(blocked: boolean): void {
    this.#blocked = blocked;
    if (blocked && !this.#closed) this.#feed.stalled.add(this);
    else this.#feed.stalled.delete(this);
  }

  #run(): void {
    if (this.#running || this.#blocked || this.#closed) return;
    this.#running = true;
    this.#step(0);
  }

  #step(pages: number): void {
    for (let turn = pages; ; turn++) {
      if (this.#closed || this.#blocked) {
        this.#running = false;
        return;
      }
      if (this.#after >= this.#feed.head) return this.#rest();
      if (turn >= PAGES_A_TURN) {
        setImmediate(() => this.#step(0));
        return;
      }
      const page = this.#feed.pageFromMemory(this.#after, this.#filter, this.#limits);
      if (page === undefined) return this.#readBehind();
      this.#write(page);
    }
  }

  #readBehind(): void {
    this.#feed.page(this.#after, this.#filter, this.#limits).then(
      (page) => {
        if (this.#closed) return;
        if (page.to === this.#after) return this.#damaged();
        this.#write(page);
        this.#step(0);
      },
      () => this.#damaged(),
    );
  }

  #damaged(): void {
    this.#running = false;
    if (this.#closed) return;
    this.close();
    this.#sink.reset('damaged');
  }

  #write(page: Page): void {
    const after = this.#after;
    this.#after = page.to;
    this.#skipped += page.skipped;
    if (page.entries.length > 0) {
      this.#count += page.entries.length;
      this.#skipped = 0;
      if (!this.#sink.events(page, after)) this.#stall(true);
    } else if (this.#skipped >= SYNC_AFTER_SKIPPED) {
      this.#skipped = 0;
      this.#announce();
    }
  }

  /** Caught up: says so once, then waits for the next event. */
  #rest(): void {
    this.#running = false;
    if (this.#announced < 0 || this.#after - this.#announced >= SYNC_AFTER_SKIPPED) this.#announce();
    this.#forget = this.#feed.onNext(() => this.#run());
  }

  #announce(): void {
    this.#announced = this.#after;
    this.#sink.sync(this.#after, this.#after >= this.#feed.head, this.#count);
  }
}
