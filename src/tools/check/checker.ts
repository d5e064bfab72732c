import type { Worker } from 'node:worker_threads';
import type { FieldError } from '../../kernel/errors.ts';
import { startThread } from '../../store/threads.ts';
import type { CheckAnswer, CheckJob } from './worker.ts';

interface Waiting {
  job: CheckJob;
  resolve(result: FieldError[] | string): void;
}

/** Milliseconds that one look may take; schemas of others may be made so that it takes for ever. */
const LIMIT_MS = 2_000;

/** Checks values by JSON Schemas in a thread of its own, which is ended where a schema takes too long or too much. */
export class Checker {
  #worker: Worker | undefined;
  #ready = false;
  readonly #waiting: Waiting[] = [];
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  /** What is wrong with the value, or with the schema where no value is given; a text where the schema cannot say. */
  look(job: CheckJob): Promise<FieldError[] | string> {
    if (this.#closed) return Promise.resolve('the server is stopping');
    return new Promise((resolve) => {
      this.#waiting.push({ job, resolve });
      if (this.#waiting.length === 1) this.#next();
    });
  }

  /** Gives the first that waits to the thread. */
  #next(): void {
    const first = this.#waiting[0];
    if (first === undefined) return;
    const worker = (this.#worker ??= this.#start());
    if (!this.#ready) return;
    this.#timer = setTimeout(() => this.#fail(`it takes longer than ${LIMIT_MS} ms`), LIMIT_MS);
    worker.postMessage(first.job);
  }

  #start(): Worker {
    this.#ready = false;
    const worker = startThread(import.meta.url, 'worker', undefined);
    worker.unref();
    worker.on('message', (answer: CheckAnswer) => {
      if (worker !== this.#worker) return;
      if ('ready' in answer) {
        this.#ready = true;
        this.#next();
      } else this.#done('errors' in answer ? answer.errors : answer.fault);
    });
    worker.on('error', ({ message }) => {
      if (worker === this.#worker) this.#fail(message);
    });
    return worker;
  }

  /** The thread is of no use any more; the next look gets another. */
  #fail(reason: string): void {
    void this.#worker?.terminate();
    this.#worker = undefined;
    this.#done(reason);
  }

  #done(result: FieldError[] | string): void {
    clearTimeout(this.#timer);
    this.#waiting.shift()?.resolve(result);
    this.#next();
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    for (const { resolve } of this.#waiting.splice(0)) resolve('the server is stopping');
    const worker = this.#worker;
    this.#worker = undefined;
    await worker?.terminate();
  }
}
