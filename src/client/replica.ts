import type { Event } from '../kernel/event.ts';
import type { Delivery } from './delivery.ts';
import type { CollectionName, Collections } from './folds.ts';
import { type Changed, Held } from './held.ts';
import type { Link, SubscribeOptions } from './subscription.ts';

export interface ReplicaOptions<Name extends CollectionName = CollectionName> {
  /** What to hold: all unless said. */
  collections?: readonly Name[] | undefined;
  /** Messages, and memories, to hold at most: the newest, 1000 unless said. */
  window?: number | undefined;
  onLink?: ((link: Link) => void) | undefined;
}

/** What a listener is told: after each command, and after each snapshot. */
export interface Change {
  seq: number;
  /** Events of one command; none where all began anew. */
  events: readonly Event[];
  /** Ids that changed, by collection; where all began anew, everything may have. */
  changed: Changed;
  reset: boolean;
}

const WINDOW = 1_000;

/**
 * The server's live state in this process, kept up to date: a snapshot, then the same folds over the same events. It
 * shows what its agent may see. What it holds changes between two turns of the event loop, by whole commands.
 */
export class Replica<Name extends CollectionName = CollectionName> {
  /** Entities by id. Not to be written to. */
  readonly collections: { readonly [N in Name]: ReadonlyMap<string, Collections[N]> };
  /** Fulfilled with the first snapshot; rejected where the server refuses it. */
  readonly ready: Promise<void>;
  /** Fulfilled when it is closed; rejected with what ended it otherwise. */
  readonly ended: Promise<void>;
  readonly #held: Held;
  readonly #deliveries: AsyncIterableIterator<Delivery>;
  readonly #listeners = new Set<(change: Change) => void>();
  readonly #waiting = new Set<{ seq: number; resolve(): void; reject(error: unknown): void }>();
  #events: Event[] = [];
  #seq = 0;
  #cursor: string | undefined;
  #closed = false;
  #failure: unknown;

  constructor(
    subscribe: (options: SubscribeOptions) => AsyncIterableIterator<Delivery>,
    options: ReplicaOptions<Name>,
  ) {
    this.#held = new Held(options.collections, options.window ?? WINDOW);
    this.collections = Object.fromEntries(
      [...this.#held.collections].map(([name, { map }]) => [name, map]),
    ) as unknown as this['collections'];
    this.#deliveries = subscribe({ snapshot: true, onLink: options.onLink });
    this.ready = this.reached(0);
    this.ended = this.#follow();
    // Whoever does not ask is not told.
    this.ready.catch(() => {});
    this.ended.catch(() => {});
  }

  /** The last event that it has folded, or that is none of its business. */
  get seq(): number {
    return this.#seq;
  }

  get cursor(): string | undefined {
    return this.#cursor;
  }

  /** Calls `listener` after each change; the answer ends that. */
  onChange(listener: (change: Change) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Fulfilled once it holds everything up to the event of this seq, as an answer tells it: what one wrote, one reads. */
  reached(seq: number): Promise<void> {
    if (this.#cursor !== undefined && this.#seq >= seq) return Promise.resolve();
    if (this.#closed) return Promise.reject(this.#failure ?? new Error('the replica is closed'));
    return new Promise((resolve, reject) => this.#waiting.add({ seq, resolve, reject }));
  }

  async close(): Promise<void> {
    await this.#deliveries.return?.();
    await this.ended.catch(() => {});
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #follow(): Promise<void> {
    try {
      for await (const delivery of this.#deliveries) this.#take(delivery);
    } catch (error) {
      this.#failure = error;
      throw error;
    } finally {
      this.#closed = true;
      for (const { reject } of this.#waiting) reject(this.#failure ?? new Error('the replica is closed'));
      this.#waiting.clear();
    }
  }

  #take(delivery: Delivery): void {
    if (delivery.kind === 'event') {
      const { event, cursor } = delivery;
      // Others of the same command may be private to somebody else, so the last of it need not come.
      if (this.#events.length > 0 && this.#events[0]?.tx?.id !== event.tx?.id) this.#tell();
      this.#held.apply(event);
      this.#events.push(event);
      this.#at(event.seq, cursor);
      if (event.tx === undefined || event.tx.i === event.tx.n) this.#tell();
    } else if (delivery.kind === 'sync') {
      this.#at(Number(delivery.cursor.split('-')[1]), delivery.cursor);
      this.#tell();
    } else if (delivery.kind === 'snapshot') {
      this.#held.load(delivery.state);
      this.#events = [];
      this.#at(delivery.seq, delivery.cursor);
      this.#tell(true);
    }
  }

  #at(seq: number, cursor: string): void {
    this.#seq = seq;
    this.#cursor = cursor;
  }

  #tell(reset = false): void {
    if (this.#events.length > 0 || reset) {
      const change = { seq: this.#seq, events: this.#events, changed: this.#held.takeChanged(), reset };
      this.#events = [];
      for (const listener of this.#listeners) this.#call(listener, change);
    }
    for (const each of this.#waiting) {
      if (each.seq > this.#seq) continue;
      this.#waiting.delete(each);
      each.resolve();
    }
  }

  /** A listener that throws is a fault of its own, and keeps nobody else from being told. */
  #call(listener: (change: Change) => void, change: Change): void {
    try {
      listener(change);
    } catch (error) {
      setTimeout(() => {
        throw error;
      });
    }
  }
}
