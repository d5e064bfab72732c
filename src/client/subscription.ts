import type { Event } from '../kernel/event.ts';
import {
  Broken,
  checkEvent,
  type Delivery,
  type Door,
  type End,
  type EventFilter,
  type Receiver,
  type Snapshot,
  seqOf,
  type Wish,
} from './delivery.ts';
import { pauseOf, type RetryOptions, sleep } from './pause.ts';

export interface SubscribeOptions {
  /** Events after this cursor, or after the event of this seq; `earliest`: all. Unless said: from now on. */
  after?: string | number | undefined;
  filter?: EventFilter | undefined;
  /** The state first, then what comes after it. */
  snapshot?: boolean | undefined;
  /** Also what is not kept, such as heartbeats. */
  ephemeral?: boolean | undefined;
  /** Ends it: iterating then throws the signal's reason. */
  signal?: AbortSignal | undefined;
  /** Told of the connection: for people to see. */
  onLink?: ((link: Link) => void) | undefined;
}

/** How the connection of a subscription is. */
export type Link =
  | { state: 'open'; door: string; latencyMs: number | undefined }
  | { state: 'lost'; door: string; cause: unknown; retryMs: number };

/** What waits for a reader at most: so many deliveries, or so many characters. */
export interface Bounds {
  deliveries: number;
  characters: number;
}

export const BOUNDS: Bounds = { deliveries: 2_000, characters: 4 * 1024 * 1024 };

/** Connections by a door that spoke before, until another is tried. */
const PATIENCE = 8;

interface Settings {
  /** Ways to the server: the first that speaks is used. */
  doors: readonly (readonly [name: string, open: Door])[];
  pause: RetryOptions;
  bounds: Bounds;
}

/** A reader is behind: the connection is let go and taken up where it stood. */
class Behind extends Error {}

/**
 * One stream of deliveries, which outlives its connections. It holds no more than its bounds: where the reader is
 * behind, it hangs up, and goes on from its cursor once the reader has taken everything.
 */
export class Subscription implements AsyncIterableIterator<Delivery> {
  readonly #options: SubscribeOptions;
  readonly #settings: Settings;
  readonly #end = new AbortController();
  #queue: Delivery[] = [];
  #characters = 0;
  #wanting: { resolve(result: IteratorResult<Delivery>): void; reject(error: unknown): void }[] = [];
  #drained: (() => void) | undefined;
  #failure: { error: unknown } | undefined;
  #started = false;
  #wish: Wish;
  /** The seq up to which events were taken. */
  #seen: number | undefined;

  constructor(options: SubscribeOptions, settings: Settings) {
    this.#options = options;
    this.#settings = settings;
    const { after, filter = {}, snapshot = false, ephemeral = false } = options;
    this.#wish = {
      after: after === undefined ? undefined : String(after),
      snapshot: snapshot ? 'start' : undefined,
      filter,
      ephemeral,
    };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<Delivery>> {
    this.#start();
    const delivery = this.#queue.shift();
    if (delivery !== undefined) {
      if (this.#queue.length === 0) {
        this.#characters = 0;
        this.#drained?.();
      }
      return { value: delivery, done: false };
    }
    if (this.#failure) {
      const { error } = this.#failure;
      this.#failure = undefined;
      throw error;
    }
    if (this.#end.signal.aborted) return { value: undefined, done: true };
    return new Promise((resolve, reject) => this.#wanting.push({ resolve, reject }));
  }

  async return(): Promise<IteratorResult<Delivery>> {
    this.#queue = [];
    this.#finish();
    return { value: undefined, done: true };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }

  #start(): void {
    if (this.#started) return;
    this.#started = true;
    const { signal } = this.#options;
    const abort = () => {
      this.#queue = [];
      this.#finish({ error: signal?.reason });
    };
    if (signal?.aborted) return abort();
    signal?.addEventListener('abort', abort, { once: true });
    this.#end.signal.addEventListener('abort', () => signal?.removeEventListener('abort', abort), { once: true });
    this.#run().catch((error: unknown) => this.#finish({ error }));
  }

  /** Ends it; what came before a failure can still be read. */
  #finish(failure?: { error: unknown }): void {
    if (this.#end.signal.aborted) return;
    this.#end.abort();
    this.#drained?.();
    const [first, ...others] = this.#wanting.splice(0);
    if (failure && first) first.reject(failure.error);
    else {
      this.#failure = failure;
      first?.resolve({ value: undefined, done: true });
    }
    for (const each of others) each.resolve({ value: undefined, done: true });
  }

  /** One connection after another. */
  async #run(): Promise<void> {
    const { doors, pause } = this.#settings;
    const { signal } = this.#end;
    const spoken = new Set<string>();
    let at = 0;
    let failures = 0;
    let mute = 0;
    while (!signal.aborted) {
      const [name, open] = doors[at] as Settings['doors'][number];
      mute++;
      const receiver = this.#receiver(name, () => {
        spoken.add(name);
        mute = 0;
      });
      const end = await this.#connect(open, receiver, () => {
        failures = 0;
      });
      if (signal.aborted) return;
      if (end.cause instanceof Behind) {
        await this.#room();
        continue;
      }
      if (end.fatal) throw end.fatal;
      if (end.reset !== undefined) this.#wish = { ...this.#wish, after: undefined, snapshot: end.reset };
      // A door that never spoke may be walled up; one that did is waited for.
      const another = mute >= (spoken.has(name) ? PATIENCE : 1);
      if (another) {
        at = (at + 1) % doors.length;
        mute = 0;
      }
      const retryMs = another && at !== 0 ? 0 : pauseOf(failures++, pause, end.afterMs);
      this.#tell({ state: 'lost', door: name, cause: end.cause, retryMs });
      await sleep(retryMs, signal).catch(() => {});
    }
  }

  async #connect(open: Door, receiver: Receiver, delivered: () => void): Promise<End> {
    const before = this.#wish.after;
    try {
      return await open(this.#wish, receiver, this.#end.signal);
    } catch (cause) {
      return { cause };
    } finally {
      // A server that speaks and brings nothing is as one that is away.
      if (this.#wish.after !== before) delivered();
    }
  }

  #receiver(door: string, opened: () => void): Receiver {
    let characters = 0;
    const take = (deliveries: readonly Delivery[]) => this.#take(deliveries, characters);
    const link = (latencyMs: number | undefined) => this.#tell({ state: 'open', door, latencyMs });
    return {
      opened() {
        opened();
        link(undefined);
      },
      heard(n) {
        characters = n;
      },
      latency: link,
      snapshot: (cursor, state, reason) => {
        const seq = seqOf(cursor);
        if (state === null || typeof state !== 'object') throw new Broken('no state');
        this.#at(cursor as string, seq);
        take([{ kind: 'snapshot', cursor: cursor as string, seq, state: state as Snapshot, reason }]);
      },
      events: (events, epoch) => {
        if (!Array.isArray(events)) throw new Broken('no events');
        const deliveries: Delivery[] = [];
        for (const value of events) {
          const event = checkEvent(value) as Event;
          const { seq } = event;
          if (!Number.isSafeInteger(seq) || seq < 1) throw new Broken('an event without a seq');
          if (this.#seen !== undefined && seq <= this.#seen) continue;
          const cursor = `${epoch}-${seq}`;
          this.#at(cursor, seq);
          deliveries.push({ kind: 'event', cursor, event });
        }
        take(deliveries);
      },
      ephemeral: (events) => {
        if (!Array.isArray(events)) throw new Broken('no events');
        take(events.map((event) => ({ kind: 'ephemeral', event: checkEvent(event) })));
      },
      sync: (cursor, upToDate) => {
        const seq = seqOf(cursor);
        if (this.#seen !== undefined && seq < this.#seen) return;
        this.#at(cursor as string, seq);
        take([{ kind: 'sync', cursor: cursor as string, upToDate: upToDate === true }]);
      },
    };
  }

  /** A listener that throws is a fault of its own, and does not end the connection. */
  #tell(link: Link): void {
    try {
      this.#options.onLink?.(link);
    } catch (error) {
      setTimeout(() => {
        throw error;
      });
    }
  }

  /** Where the next connection goes on. */
  #at(cursor: string, seq: number): void {
    this.#seen = seq;
    this.#wish = { ...this.#wish, after: cursor, snapshot: undefined };
  }

  #take(deliveries: readonly Delivery[], characters: number): void {
    if (this.#end.signal.aborted) return;
    for (const delivery of deliveries) {
      const first = this.#wanting.shift();
      if (first) first.resolve({ value: delivery, done: false });
      else this.#queue.push(delivery);
    }
    if (this.#queue.length === 0) return;
    this.#characters += characters;
    const { bounds } = this.#settings;
    if (this.#queue.length > bounds.deliveries || this.#characters > bounds.characters) throw new Behind();
  }

  /** Fulfilled when the reader has taken everything. */
  #room(): Promise<void> {
    if (this.#queue.length === 0 || this.#end.signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      this.#drained = () => {
        this.#drained = undefined;
        resolve();
      };
    });
  }
}
