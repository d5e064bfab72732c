/** Somebody who waits for something to happen. */
export interface Sleeper {
  /** Fulfilled when something has happened since the last time, when the time is over, or when nobody waits any more. */
  woken(): Promise<void>;
  /** True until the time is over or nobody waits any more. */
  readonly waiting: boolean;
  leave(): void;
  /** Who came first has the lowest. */
  readonly turn: number;
  /** Since it entered, no event up to this seq was one that wakes it, but for those it was woken by before. */
  readonly quiet: number;
}

/** Events that happened together. */
type Happened = readonly { readonly event: { readonly seq: number } }[];

/** Keys of what may wake somebody; where they follow from the state, they are asked for again whenever one of them is woken. */
export type Keys = readonly string[] | (() => readonly string[]);

interface Wait {
  /** Who came first is woken first. */
  turn: number;
  wants: object | undefined;
  wake(events?: Happened): void;
}

export interface SleepOptions {
  signal?: AbortSignal | undefined;
  /** Told when it really sleeps; what that answers is told when it is over. */
  asleep?: (() => () => void) | undefined;
  /** What is waited for, in a queue: the others can see it, and look again when this one leaves. */
  wants?: object | undefined;
}

/** Requests that wait, by the keys of what may wake them: `tasks`, `to kai`, `in general`. */
export class Sleepers {
  readonly #byKey = new Map<string, Set<Wait>>();
  #turns = 0;
  /** The last event that those who wait were told of. */
  #last = 0;

  /** True where nobody waits. */
  get none(): boolean {
    return this.#byKey.size === 0;
  }

  /** Waits `ms` at most, with one timer for all of it. */
  enter(wanted: Keys, ms: number, { signal, asleep, wants }: SleepOptions = {}): Sleeper {
    const ask = typeof wanted === 'function' ? wanted : undefined;
    let keys = ask ? ask() : (wanted as readonly string[]);
    let resolve: (() => void) | undefined;
    let happened = false;
    let waiting = true;
    let quiet = 0;
    let over: (() => void) | undefined;
    const wake = (events?: Happened) => {
      if (!happened && events?.[0]) quiet = events[0].event.seq - 1;
      happened = true;
      resolve?.();
      resolve = undefined;
      if (ask && waiting) keys = this.#move(wait, keys, ask());
    };
    const wait: Wait = { turn: this.#turns++, wants, wake };
    for (const key of keys) this.#enter(key, wait);
    const end = () => {
      if (!waiting) return;
      waiting = false;
      clearTimeout(timer);
      signal?.removeEventListener('abort', end);
      for (const key of keys) this.#leave(key, wait);
      if (!happened) quiet = Math.max(quiet, this.#last);
      wake();
      over?.();
      // After it: what it looks at for the last time is still its turn.
      if (wants) this.happened(keys);
    };
    const timer = setTimeout(end, ms);
    signal?.addEventListener('abort', end, { once: true });
    if (signal?.aborted) end();
    return {
      turn: wait.turn,
      get quiet() {
        return quiet;
      },
      get waiting() {
        return waiting;
      },
      async woken() {
        if (!happened && waiting) over ??= asleep?.();
        if (!happened && waiting)
          await new Promise<void>((done) => {
            resolve = done;
          });
        happened = false;
      },
      leave: end,
    };
  }

  #enter(key: string, wait: Wait): void {
    const set = this.#byKey.get(key);
    if (set) set.add(wait);
    else this.#byKey.set(key, new Set([wait]));
  }

  /** Waits by other keys from now on. */
  #move(wait: Wait, from: readonly string[], to: readonly string[]): readonly string[] {
    if (from.length === to.length && from.every((key, i) => key === to[i])) return from;
    for (const key of from) if (!to.includes(key)) this.#leave(key, wait);
    for (const key of to) if (!from.includes(key)) this.#enter(key, wait);
    return to;
  }

  #leave(key: string, wait: Wait): void {
    const set = this.#byKey.get(key);
    set?.delete(wait);
    if (set?.size === 0) this.#byKey.delete(key);
  }

  /** What those want who wait by a key, in a queue, and came before a turn; the first first. Looked up as it is read. */
  ahead(key: string, turn = Number.POSITIVE_INFINITY): Iterable<object> {
    const byKey = this.#byKey;
    return {
      *[Symbol.iterator]() {
        for (const wait of byKey.get(key) ?? []) {
          if (wait.turn >= turn) return;
          if (wait.wants) yield wait.wants;
        }
      },
    };
  }

  /** Wakes those who wait for one of the keys, where that is so because of events: after these can be read. */
  happened(keys: Iterable<string>, events?: Happened): void {
    this.#last = events?.at(-1)?.event.seq ?? this.#last;
    const woken = new Set<Wait>();
    for (const key of keys) for (const wait of this.#byKey.get(key) ?? []) woken.add(wait);
    for (const { wake } of [...woken].sort((a, b) => a.turn - b.turn)) wake(events);
  }
}
