import { constants, openSync, write } from 'node:fs';

/** The least that is durable: what came in one turn of the event loop is one write on a descriptor with O_DSYNC. */
export class BareLog {
  readonly #fd: number;
  #position = 0;
  #text = '';
  #busy = false;
  #batch: { durable: Promise<void>; settle: () => void } | undefined;

  constructor(file: string) {
    this.#fd = openSync(file, constants.O_CREAT | constants.O_RDWR | constants.O_DSYNC);
  }

  /** Fulfilled when the object is on the disk as one JSON line. */
  append(object: unknown): Promise<void> {
    this.#text += `${JSON.stringify(object)}\n`;
    if (this.#batch) return this.#batch.durable;
    let settle = () => {};
    const durable = new Promise<void>((resolve) => (settle = resolve));
    this.#batch = { durable, settle };
    if (!this.#busy) this.#schedule();
    return durable;
  }

  /** Busy from here until the write is done: one write at a time. */
  #schedule(): void {
    this.#busy = true;
    setImmediate(() => this.#flush());
  }

  #flush(): void {
    const data = Buffer.from(this.#text);
    const batch = this.#batch;
    this.#text = '';
    this.#batch = undefined;
    write(this.#fd, data, 0, data.length, this.#position, (error, written) => {
      if (error || written < data.length) throw error ?? new Error('a short write');
      this.#position += written;
      batch?.settle();
      if (this.#batch) this.#schedule();
      else this.#busy = false;
    });
  }
}
