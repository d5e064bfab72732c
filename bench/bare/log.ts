import { constants, openSync, write } from 'node:fs';

/** The least that is durable: what came in one turn of the event loop is one write on a descriptor with O_DSYNC. */
export class BareLog {
  readonly #fd: number;
  #position = 0;
  #text = '';
  #flushing = false;
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
    if (!this.#flushing) setImmediate(() => this.#flush());
    return durable;
  }

  #flush(): void {
    const data = Buffer.from(this.#text);
    const batch = this.#batch;
    this.#text = '';
    this.#batch = undefined;
    this.#flushing = true;
    write(this.#fd, data, 0, data.length, this.#position, (error, written) => {
      if (error || written < data.length) throw error ?? new Error('a short write');
      this.#position += written;
      this.#flushing = false;
      batch?.settle();
      setImmediate(() => this.#batch && !this.#flushing && this.#flush());
    });
  }
}
