import type { IdempotencyMark } from './event.ts';
import { requireSame } from './idempotency.ts';

interface Keyed {
  id: string;
  mark: IdempotencyMark;
}

/** Something that a command does outside of this server, from before it is done until it is written down. */
export interface Deed {
  /** What came of it, once it is done. */
  done?: { value: unknown };
  /** To be called when it is written down, or will not be. */
  over(written: boolean): void;
}

/** Deeds remembered that were done and could not be written down. */
const UNWRITTEN = 1_000;

/** What commands do outside: of those with one idempotency key one at a time, and what is done is not done again. */
export class Deeds {
  readonly #doing = new Map<string, { mark: IdempotencyMark; over: Promise<void> }>();
  readonly #unwritten = new Map<string, { mark: IdempotencyMark; done: { value: unknown } }>();

  /** Waits for those with the same key. Throws `idempotency_key_reused`. */
  async begin(keyed: Keyed | undefined): Promise<Deed> {
    if (keyed === undefined) return { over() {} };
    const { id, mark } = keyed;
    for (let other = this.#doing.get(id); other !== undefined; other = this.#doing.get(id)) {
      requireSame(other.mark, mark);
      await other.over;
    }
    const before = this.#unwritten.get(id);
    if (before !== undefined) requireSame(before.mark, mark);
    let release = () => {};
    const over = new Promise<void>((resolve) => {
      release = resolve;
    });
    this.#doing.set(id, { mark, over });
    const deed: Deed = {
      ...(before && { done: before.done }),
      over: (written) => {
        this.#unwritten.delete(id);
        if (!written && deed.done !== undefined) this.#remember(id, { mark, done: deed.done });
        this.#doing.delete(id);
        release();
      },
    };
    return deed;
  }

  #remember(id: string, unwritten: { mark: IdempotencyMark; done: { value: unknown } }): void {
    this.#unwritten.set(id, unwritten);
    const oldest = this.#unwritten.keys().next().value;
    if (this.#unwritten.size > UNWRITTEN && oldest !== undefined) this.#unwritten.delete(oldest);
  }
}
