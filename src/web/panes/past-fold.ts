import { Held } from '../../client/held.ts';
import type { Client, Collections, Event } from '../../client/index.ts';

/** Events of one page: what is asked for at once, and the least between two states that are kept. */
export const PAGE = 1_000;
/** States that are kept at most: then every second one is let go. */
const MOST_KEPT = 32;
/** Pages of events that are kept at most. */
const MOST_PAGES = 24;
/** Messages that a state holds: the newest. */
const WINDOW = 1_000;

const NAMES = ['agents', 'channels', 'tasks', 'messages'] as const;
type Name = (typeof NAMES)[number];

/** The room as it was after one event. */
export interface Then {
  seq: number;
  /** The event; undefined where it is not for who looks. */
  event: Event | undefined;
  tasks: readonly Collections['tasks'][];
  channels: readonly Collections['channels'][];
  messages: readonly Collections['messages'][];
}

type Kept = Readonly<Record<Name, readonly object[]>>;

/** Whom events are asked of: events after a seq, and how far the answer goes. */
export type AskEvents = (after: number) => Promise<{ events: readonly Event[]; upTo: number; atEnd: boolean }>;

/** Asks the server. */
export function askEvents(client: Client<boolean>): AskEvents {
  return async (after) => {
    const { events, cursor, up_to_date } = await client.events.list({ after: String(after), limit: PAGE, all: true });
    return { events: events as readonly Event[], upTo: Number(cursor.split('-')[1]), atEnd: up_to_date };
  };
}

/**
 * Folds the events again, up to any of them. The first way to an event is from the beginning, page by page; states on
 * the way are kept, so that from then on it is a few pages from the nearest. Memory is bounded however long the journal.
 */
export class Past {
  readonly #ask: AskEvents;
  readonly #pages = new Map<number, readonly Event[]>();
  readonly #kept = new Map<number, Kept>();
  readonly #from: number;
  #stride = PAGE;
  #held: Held;
  #seq: number;
  #event: Event | undefined;

  /** `from`: before the oldest event that is there. */
  constructor(ask: AskEvents, from = 0) {
    this.#ask = ask;
    this.#from = from;
    this.#seq = from;
    this.#held = new Held(NAMES, WINDOW);
  }

  /** States that are kept now. */
  get kept(): number {
    return this.#kept.size;
  }

  /** The room at an event. The wanted one may change while it is sought; `onWay` is told how far it came, page by page. */
  async at(wanted: () => number, onWay?: (seq: number) => void): Promise<Then> {
    for (;;) {
      const target = Math.max(wanted(), this.#from);
      this.#goBack(target);
      if (this.#seq === target) return this.#then();
      await this.#step(target);
      onWay?.(this.#seq);
    }
  }

  /** Begins at the nearest state at or before an event, unless one is nearer already. */
  #goBack(target: number): void {
    const nearest = [...this.#kept.keys()].filter((seq) => seq <= target).reduce((a, b) => Math.max(a, b), this.#from);
    if (this.#seq <= target && this.#seq >= nearest) return;
    this.#held = new Held(NAMES, WINDOW);
    this.#held.load(this.#kept.get(nearest) ?? {});
    this.#seq = nearest;
    this.#event = undefined;
  }

  /** Folds the rest of one page. */
  async #step(target: number): Promise<void> {
    const page = Math.floor(this.#seq / PAGE);
    const events = await this.#page(page);
    const end = Math.min(target, (page + 1) * PAGE);
    for (const event of events) {
      if (event.seq <= this.#seq || event.seq > end) continue;
      this.#held.apply(event);
      this.#event = event;
    }
    this.#seq = end;
    this.#held.takeChanged();
    if (end % this.#stride === 0) this.#keep(end);
  }

  async #page(page: number): Promise<readonly Event[]> {
    const known = this.#pages.get(page);
    if (known !== undefined) return known;
    const end = (page + 1) * PAGE;
    const all: Event[] = [];
    let after = Math.max(page * PAGE, this.#from);
    let whole = false;
    while (!whole) {
      const { events, upTo, atEnd } = await this.#ask(after);
      for (const event of events) if (event.seq <= end) all.push(event);
      whole = upTo >= end;
      // Of the last page the rest is yet to happen: it is asked for again.
      if (atEnd || upTo <= after) break;
      after = upTo;
    }
    if (whole) {
      this.#pages.set(page, all);
      const [oldest] = this.#pages.keys();
      if (this.#pages.size > MOST_PAGES && oldest !== undefined) this.#pages.delete(oldest);
    }
    return all;
  }

  #keep(seq: number): void {
    if (this.#kept.has(seq)) return;
    this.#kept.set(seq, {
      agents: this.#all('agents'),
      channels: this.#all('channels'),
      tasks: this.#all('tasks'),
      messages: this.#all('messages'),
    });
    if (this.#kept.size <= MOST_KEPT) return;
    this.#stride *= 2;
    for (const each of this.#kept.keys()) if (each % this.#stride !== 0) this.#kept.delete(each);
  }

  #all<N extends Name>(name: N): Collections[N][] {
    return [...(this.#held.collections.get(name)?.map.values() ?? [])] as Collections[N][];
  }

  #then(): Then {
    return {
      seq: this.#seq,
      event: this.#event?.seq === this.#seq ? this.#event : undefined,
      tasks: this.#all('tasks'),
      channels: this.#all('channels'),
      messages: this.#all('messages'),
    };
  }
}
