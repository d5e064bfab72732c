import type { Refusal } from '../errors.ts';
import type { Encoded } from '../event.ts';
import type { Batch } from './journal.ts';

/** Records that are collected for one write. */
export class PendingBatch implements Batch {
  readonly records: Encoded[] = [];
  bytes = 0;
  readonly settled: Promise<void>;
  settle!: () => void;
  reject!: (reason: Refusal) => void;

  constructor() {
    this.settled = new Promise((resolve, reject) => {
      this.settle = resolve;
      this.reject = reject;
    });
    // A batch of which nobody waits for the end is no unhandled rejection.
    this.settled.catch(() => {});
  }

  get first(): number {
    return this.records[0]?.event.seq ?? 0;
  }
}
