import type { Draft, Event } from '../event.ts';
import type { Subject } from './filter.ts';

/** An event that is shown to whoever looks, and not kept: without a seq. */
export interface Ephemeral extends Subject {
  /** The event as JSON, as every door shows it. */
  readonly frame: string;
}

/** Milliseconds within which the last of several events of one kind about one thing is shown. */
const COALESCE_MS = 100;

/** What is not kept: held back for a moment, so that what comes often is shown once, and shown to those who look then. */
export class Ephemera {
  readonly #readersOf: (event: Event) => readonly string[] | undefined;
  readonly #listeners = new Set<(events: readonly Ephemeral[]) => void>();
  readonly #held = new Map<string, Event>();
  #timer: NodeJS.Timeout | undefined;

  constructor(readersOf: (event: Event) => readonly string[] | undefined) {
    this.#readersOf = readersOf;
  }

  /** True where somebody looks. */
  get wanted(): boolean {
    return this.#listeners.size > 0;
  }

  /** Shows it soon, in place of one of the same type about the same thing that was not shown yet. */
  show({ actor = '', ...draft }: Draft, at: number): void {
    if (!this.wanted) return;
    this.#held.set(`${draft.type} ${draft.subject}`, { seq: 0, at, actor, ...draft });
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
    const events = [...this.#held.values()].map((event) => ephemeralOf(event, this.#readersOf(event)));
    this.#forget();
    for (const listener of this.#listeners) listener(events);
  }

  #forget(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#held.clear();
  }
}

function ephemeralOf(event: Event, readers: readonly string[] | undefined): Ephemeral {
  const { seq: _, ...shown } = event;
  const { type, actor, subject, data } = event;
  const channel = typeof data.channel === 'string' ? data.channel : undefined;
  return { type, actor, subject, channel, readers, event, frame: JSON.stringify(shown) };
}
