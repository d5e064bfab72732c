import type { Entry } from '../../kernel/feed/entry.ts';

/** Entries held back at most, whatever the window. */
const HELD = 256;

/** Holds events back, none longer than `ms`, to send them together. */
export class BatchWindow {
  readonly #ms: number;
  readonly #send: (entries: readonly Entry[]) => void;
  #held: Entry[] = [];
  #timer: NodeJS.Timeout | undefined;

  constructor(ms: number, send: (entries: readonly Entry[]) => void) {
    this.#ms = ms;
    this.#send = send;
  }

  add(entries: readonly Entry[]): void {
    for (const entry of entries) this.#held.push(entry);
    if (this.#held.length >= HELD) this.flush();
    else this.#timer ??= setTimeout(() => this.flush(), this.#ms);
  }

  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const held = this.#held;
    this.#held = [];
    if (held.length > 0) this.#send(held);
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#held = [];
  }
}
