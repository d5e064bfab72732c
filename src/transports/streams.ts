import { Refusal } from '../kernel/errors.ts';

/** A connection that stays open and is looked after. */
export interface Stream {
  /** Called about once a second. */
  tick(now: number): void;
  /** Says goodbye and ends it. */
  end(reason: 'shutdown' | 'restart'): void;
}

const TICK_MS = 1_000;

/** Every open stream of this process, looked after by one timer. */
export class Streams {
  readonly #open = new Set<Stream>();
  readonly #max: number;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(max: number) {
    this.#max = max;
  }

  get full(): boolean {
    return this.#open.size >= this.#max;
  }

  /** Throws `overloaded` where no more streams may open, `shutting_down` where the process ends. */
  admit(): void {
    if (this.#closed) throw new Refusal('shutting_down', 'The server is stopping.', { retryAfter: 1 });
    if (this.full) throw new Refusal('overloaded', `${this.#max} streams are open.`, { retryAfter: 5 });
  }

  add(stream: Stream): () => void {
    this.#open.add(stream);
    this.#timer ??= setInterval(() => {
      const now = performance.now();
      for (const each of this.#open) each.tick(now);
    }, TICK_MS).unref();
    return () => this.#open.delete(stream);
  }

  /** Ends every stream; later ones are refused. */
  close(reason: 'shutdown' | 'restart'): void {
    this.#closed = true;
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
}

export const STREAM_DEFAULTS: StreamSettings = { stallMs: 30_000, idleMs: 15_000, pingMs: 20_000, pongMs: 10_000 };

/** Milliseconds after which a client should come back. */
export const RETRY_MS = 1_000;
