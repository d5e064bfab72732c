/** Somebody who waits for something to happen. */
export interface Sleeper {
  /** Fulfilled when something has happened since the last time, when the time is over, or when nobody waits any more. */
  woken(): Promise<void>;
  /** True until the time is over or nobody waits any more. */
  readonly waiting: boolean;
  leave(): void;
  /** Who came first has the lowest. */
  readonly turn: number;
}

interface Wait {
  /** Who came first is woken first. */
  turn: number;
  wants: object | undefined;
  wake(): void;
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

  /** True where nobody waits. */
  get none(): boolean {
    return this.#byKey.size === 0;
  }

  /** Waits `ms` at most, with one timer for all of it. */
  enter(keys: readonly string[], ms: number, { signal, asleep, wants }: SleepOptions = {}): Sleeper {
    let resolve: (() => void) | undefined;
    let happened = false;
    let waiting = true;
    let over: (() => void) | undefined;
    const wake = () => {
      happened = true;
      resolve?.();
      resolve = undefined;
    };
    const wait: Wait = { turn: this.#turns++, wants, wake };
    for (const key of keys) {
      const set = this.#byKey.get(key);
      if (set) set.add(wait);
      else this.#byKey.set(key, new Set([wait]));
    }
    const end = () => {
      if (!waiting) return;
      waiting = false;
      clearTimeout(timer);
      signal?.removeEventListener('abort', end);
      for (const key of keys) this.#leave(key, wait);
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

  /** Wakes those who wait for one of the keys. */
  happened(keys: Iterable<string>): void {
    const woken = new Set<Wait>();
    for (const key of keys) for (const wait of this.#byKey.get(key) ?? []) woken.add(wait);
    for (const { wake } of [...woken].sort((a, b) => a.turn - b.turn)) wake();
  }
}
