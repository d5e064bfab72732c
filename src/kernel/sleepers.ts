import type { Command } from './capability.ts';
import type { Event } from './event.ts';

/** Somebody who waits for something to do. */
export interface Sleeper {
  /** Fulfilled when it is worth looking again, or when the time is over or nobody waits any more. */
  woken(): Promise<void>;
  /** True until the time is over or nobody waits any more. */
  readonly waiting: boolean;
  leave(): void;
}

/** Callers of commands that wait: woken in the order in which they came. */
export class Sleepers {
  readonly #byCommand = new Map<Command, Set<() => void>>();

  /** Waits `ms` at most, with one timer for all of it. */
  enter(command: Command, ms: number, signal: AbortSignal | undefined): Sleeper {
    let wake = () => {};
    let waiting = true;
    const set = this.#byCommand.get(command) ?? new Set();
    this.#byCommand.set(command, set);
    const end = () => {
      waiting = false;
      clearTimeout(timer);
      signal?.removeEventListener('abort', end);
      set.delete(wake);
      wake();
    };
    const timer = setTimeout(end, ms);
    signal?.addEventListener('abort', end, { once: true });
    if (signal?.aborted) end();
    return {
      get waiting() {
        return waiting;
      },
      woken: () =>
        new Promise((resolve) => {
          wake = resolve;
          if (waiting) set.add(wake);
          else resolve();
        }),
      leave: end,
    };
  }

  /** Wakes those for whom one of the events may bring something. */
  happened(events: Iterable<Event>): void {
    if (this.#byCommand.size === 0) return;
    const all = [...events];
    for (const [command, set] of this.#byCommand) {
      if (set.size === 0 || !all.some((event) => command.wait?.wokenBy(event))) continue;
      const woken = [...set];
      set.clear();
      for (const wake of woken) wake();
    }
  }
}
