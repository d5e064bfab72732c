/** A connection that stays open and is looked after. */
export interface Stream {
  /** Called every `tickMs`. */
  tick(now: number): void;
  /** Says goodbye and ends it. */
  end(reason: 'shutdown' | 'restart'): void;
}

/** Every open stream of this process, looked after by one timer. */
export class Streams {
  readonly #open = new Set<Stream>();
  readonly #max: number;
  readonly #tickMs: number;
  #timer: NodeJS.Timeout | undefined;

  constructor(max: number, tickMs: number) {
    this.#max = max;
    this.#tickMs = tickMs;
  }

  /** True where no more may open. */
  get full(): boolean {
    return this.#open.size >= this.#max;
  }

  add(stream: Stream): () => void {
    this.#open.add(stream);
    this.#timer ??= setInterval(() => {
      const now = performance.now();
      for (const each of this.#open) each.tick(now);
    }, this.#tickMs).unref();
    return () => this.#open.delete(stream);
  }

  /** Ends every stream. */
  close(reason: 'shutdown' | 'restart'): void {
    clearInterval(this.#timer);
    for (const stream of [...this.#open]) stream.end(reason);
  }
}

/** How open connections are looked after; times in milliseconds. */
export interface StreamSettings {
  /** A reader that takes nothing for this long, while there is more, is ended. */
  stallMs: number;
  /** A quiet stream is told how far it is after this long. */
  idleMs: number;
  /** A WebSocket is pinged after this long … */
  pingMs: number;
  /** … and ended where no pong comes within this long. */
  pongMs: number;
  /** How often they are looked after. */
  tickMs: number;
}

/** The times that clients are promised; tests bring shorter ones. */
export const STREAM_DEFAULTS: StreamSettings = {
  stallMs: 30_000,
  idleMs: 15_000,
  pingMs: 20_000,
  pongMs: 10_000,
  tickMs: 1_000,
};

/** Milliseconds after which a client should come back. */
export const RETRY_MS = 1_000;
/** The same where too many streams are open. */
export const OVERLOADED_RETRY_MS = 5_000;
