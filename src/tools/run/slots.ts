import { Refusal } from '../../kernel/errors.ts';

/** Calls that may wait for a slot. */
const WAITING = 256;

/** So many at once; the others wait in turn. */
export class Slots {
  readonly #max: number;
  readonly #waiting: (() => void)[] = [];
  #taken = 0;

  constructor(max: number) {
    this.#max = max;
  }

  /** Throws `rate_limited` where too many wait. */
  async take(): Promise<void> {
    if (this.#taken < this.#max) {
      this.#taken++;
      return;
    }
    if (this.#waiting.length >= WAITING)
      throw new Refusal('rate_limited', `${this.#taken} tools run, and ${WAITING} calls wait.`, { retryAfter: 1 });
    await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  leave(): void {
    const next = this.#waiting.shift();
    if (next) next();
    else this.#taken--;
  }
}
