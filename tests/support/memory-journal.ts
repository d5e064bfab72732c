import type { Refusal } from '../../src/kernel/errors.ts';
import type { Encoded } from '../../src/kernel/event.ts';
import type { Batch, Journal, JournalListener } from '../../src/kernel/journal/journal.ts';

/** A journal in memory whose batches are kept or aborted when the test says so. */
export class MemoryJournal implements Journal {
  readonly id = 'memory';
  readonly epoch = 'testtest';
  readonly earliest = 0;
  readonly records: Encoded[] = [];
  head = 0;
  durable = 0;
  lastAt = 0;
  #listener: JournalListener | undefined;
  #waiting: { batch: Batch; settle: () => void; reject: (reason: Refusal) => void }[] = [];
  readonly #automatic: boolean;

  /** Begins with `records`, as one that is opened again. */
  constructor({ automatic = false, records = [] }: { automatic?: boolean; records?: readonly Encoded[] } = {}) {
    this.#automatic = automatic;
    this.records.push(...records);
    this.head = this.durable = records.length;
    this.lastAt = records.at(-1)?.event.at ?? 0;
  }

  listen(listener: JournalListener): void {
    this.#listener = listener;
  }

  append(records: readonly Encoded[]): Batch {
    let settle = () => {};
    let reject = (_: Refusal) => {};
    const settled = new Promise<void>((resolve, no) => {
      settle = resolve;
      reject = no;
    });
    settled.catch(() => {});
    const batch: Batch = { records, settled };
    this.head += records.length;
    this.lastAt = (records.at(-1) as Encoded).event.at;
    this.#waiting.push({ batch, settle, reject });
    if (this.#automatic) setImmediate(() => this.commit());
    return batch;
  }

  /** Keeps the first batches that wait, all of them unless said. */
  commit(batches = this.#waiting.length): void {
    for (const { batch, settle } of this.#waiting.splice(0, batches)) {
      this.records.push(...batch.records);
      this.durable = (batch.records.at(-1) as Encoded).event.seq;
      this.#listener?.committed(batch, Buffer.from(batch.records.map(({ line }) => line).join('')));
      settle();
    }
  }

  /** Keeps no batch that waits. */
  abort(reason: Refusal): void {
    const waiting = this.#waiting.splice(0);
    this.head = this.durable;
    this.lastAt = this.records.at(-1)?.event.at ?? 0;
    this.#listener?.aborted(
      waiting.map(({ batch }) => batch),
      reason,
    );
    for (const { reject } of waiting) reject(reason);
  }

  async read(after: number, limit: number): Promise<Encoded[]> {
    return this.records.slice(after, after + limit);
  }

  async sync(): Promise<void> {}

  status() {
    return { driver: 'memory', durability: 'none', writable: true, segments: 0, bytes: 0, flushMs: { p50: 0, p99: 0 } };
  }

  async close(): Promise<void> {
    this.commit();
  }
}
