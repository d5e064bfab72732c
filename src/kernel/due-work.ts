import type { Capability, Command } from './capability.ts';
import { Refusal } from './errors.ts';

export interface DueWorkOptions {
  capabilities: readonly Capability[];
  state: unknown;
  /** What the clock on the wall says: milliseconds since 1970. */
  wall(): number;
  /** Decides and applies a command of the server's own. False where there was nothing to do. */
  perform(command: Command): boolean;
  /** Told of a fault, once for each try. */
  onFault(error: unknown): void;
}

/** The longest sleep: a clock that is set, or a machine that slept, is noticed after this many milliseconds. */
const LONGEST_MS = 10_000;
/** Milliseconds until what failed is tried again. */
const RETRY_MS = 1_000;
/** Turns of one command at a time. */
const TURNS = 1_000;

interface Work {
  at(): number | undefined;
  command: Command;
  /** When it may be tried again, where it failed. */
  notBefore: number;
}

function dueAt({ at, notBefore }: Work): number {
  return Math.max(at() ?? Number.POSITIVE_INFINITY, notBefore);
}

/**
 * What capabilities do by themselves when its time has come: leases that expire, what recurs. It is done before the
 * next command is decided, so that no command sees a state which time has passed by, and by a timer where nobody calls.
 */
export class DueWork {
  readonly #options: DueWorkOptions;
  readonly #work: Work[] = [];
  #next = Number.POSITIVE_INFINITY;
  #timer: NodeJS.Timeout | undefined;
  #timerAt = Number.POSITIVE_INFINITY;
  #performing = false;
  #closed = false;

  constructor(options: DueWorkOptions) {
    this.#options = options;
    for (const { due } of options.capabilities)
      if (due) this.#work.push({ at: () => due.at(options.state as never), command: due.command, notBefore: 0 });
  }

  /** Does what is due. Never throws: what cannot be done now is tried again, and keeps nothing else from being done. */
  settle(): void {
    if (this.#next === Number.POSITIVE_INFINITY || this.#performing || this.#closed) return;
    if (this.#options.wall() < this.#next) return;
    this.#performing = true;
    for (const work of this.#work) this.#exhaust(work);
    this.#performing = false;
    this.changed();
  }

  #exhaust(work: Work): void {
    const { wall, perform, onFault } = this.#options;
    const { command } = work;
    try {
      for (let turn = 0; turn < TURNS && dueAt(work) <= wall(); turn++)
        if (!perform(command)) throw new Error(`${command.name} is due and finds nothing to do`);
    } catch (error) {
      work.notBefore = wall() + RETRY_MS;
      // A full disk has been told to whoever wanted to write, and to /health.
      if (!(error instanceof Refusal)) onFault(error);
    }
  }

  /** To be called after every change of the state: looks when there is something to do next. */
  changed(): void {
    if (this.#performing) return;
    this.#next = Number.POSITIVE_INFINITY;
    for (const work of this.#work) this.#next = Math.min(this.#next, dueAt(work));
    if (this.#next < this.#timerAt) this.#arm();
  }

  #arm(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#timerAt = this.#next;
    if (this.#next === Number.POSITIVE_INFINITY || this.#closed) return;
    const ms = Math.max(this.#next - this.#options.wall(), 0);
    this.#timer = setTimeout(
      () => {
        this.settle();
        this.#arm();
      },
      Math.min(Math.ceil(ms), LONGEST_MS),
    );
    this.#timer.unref();
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
  }
}
