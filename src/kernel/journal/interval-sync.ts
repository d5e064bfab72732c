/** Puts on the disk what was written: every so many milliseconds, and when it is asked to. One sync at a time. */
export class IntervalSync {
  readonly #sync: () => Promise<void>;
  readonly #timer: NodeJS.Timeout;
  #dirty = false;
  #running: Promise<void> | undefined;

  constructor(ms: number, sync: () => Promise<void>) {
    this.#sync = sync;
    this.#timer = setInterval(() => this.#running ?? this.now(), ms);
    this.#timer.unref();
  }

  /** Something was written that no sync has seen. */
  written(): void {
    this.#dirty = true;
  }

  /** Fulfilled when a sync has seen everything that was written before this was called. */
  async now(): Promise<void> {
    // One that runs may have begun before the newest write.
    await this.#running;
    if (this.#dirty) {
      this.#dirty = false;
      this.#running = this.#sync().finally(() => {
        this.#running = undefined;
      });
    }
    await this.#running;
  }

  /** Ends the timer, after what was written is on the disk. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.now();
  }
}
