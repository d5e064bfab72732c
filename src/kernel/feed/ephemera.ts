import type { Draft, Event } from '../event.ts';
import type { Subject } from './filter.ts';

/** An event that is shown to whoever looks, and not kept: without a seq. */
export interface Ephemeral extends Subject {
  /** The event as JSON, as every door shows it. */
  readonly frame: string;
}

/** What is to be shown, and its time. */
type Passing = Draft & { at: number };

/** Milliseconds within which the last of several events of one kind about one thing is shown. */
const COALESCE_MS = 100;

/** What is not kept: held back for a moment, so that what comes often is shown once, and shown to those who look then. */
export class Ephemera {
  readonly #readersOf: (event: Event) => readonly string[] | undefined;
  readonly #listeners = new Set<(events: readonly Ephemeral[]) => void>();
  readonly #held = new Map<string, () => Passing>();
  #timer: NodeJS.Timeout | undefined;

  constructor(readersOf: (event: Event) => readonly string[] | undefined) {
    this.#readersOf = readersOf;
  }

  /** True where somebody looks. */
  get wanted(): boolean {
    return this.#listeners.size > 0;
  }

  /** Shows soon what `make` answers then, in place of what has the same key and was not shown yet. */
  show(key: string, make: () => Passing): void {
    if (!this.wanted) return;
    this.#held.set(key, make);
    this.#timer ??= setTimeout(() => this.#flush(), COALESCE_MS);
  }

  /** Calls `listener` with what is shown from now on. The answer takes the wish back. */
  listen(listener: (events: readonly Ephemeral[]) => void): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
      if (!this.wanted) this.#forget();
    };
  }

  #flush(): void {
    const events = [...this.#held.values()].map((make) => ephemeralOf(make(), this.#readersOf));
    this.#forget();
    for (const listener of this.#listeners) listener(events);
  }

  #forget(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#held.clear();
  }
}

function ephemeralOf(
  { type, actor = '', subject, data, at }: Passing,
  readersOf: (event: Event) => readonly string[] | undefined,
): Ephemeral {
  const shown = { at, type, actor, ...(subject !== undefined && { subject }), data };
  const event = { seq: 0, ...shown };
  const channel = typeof data.channel === 'string' ? data.channel : undefined;
  return { type, actor, subject, channel, readers: readersOf(event), event, frame: JSON.stringify(shown) };
}
