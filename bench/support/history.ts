import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import type { Event } from '../../src/kernel/event.ts';
import { built } from './built.ts';
import { temporaryDirectory } from './directory.ts';
import { messagePosted } from './messages.ts';
import { startServer } from './server.ts';

const BATCH = 2_000;

export interface History {
  dir: string;
  events: number;
  /** Events a second that the first start took in to make the index. */
  rebuildRate: number;
}

/** The event of a history that has this seq and this time. */
type EventAt = (seq: number, at: number) => Event;

/** Data directories with a long history, made once a run and shared by the benchmarks that need them. */
export class Histories implements Disposable {
  readonly #made = new Map<EventAt, Map<number, Promise<History>>>();
  readonly #directories: Disposable[] = [];

  /** One of so many messages, or of other events. */
  of(events: number, eventAt: EventAt = messagePosted): Promise<History> {
    const made = this.#made.get(eventAt) ?? new Map<number, Promise<History>>();
    this.#made.set(eventAt, made);
    let history = made.get(events);
    if (history === undefined) made.set(events, (history = this.#make(events, eventAt)));
    return history;
  }

  async #make(events: number, eventAt: EventAt): Promise<History> {
    const directory = temporaryDirectory();
    this.#directories.push(directory);
    await writeJournal(join(directory.path, 'journal'), events, eventAt);
    await using server = await startServer({ dir: directory.path, timeout: 280_000 });
    await server.end();
    return { dir: directory.path, events, rebuildRate: events / (server.readyMs / 1_000) };
  }

  [Symbol.dispose](): void {
    for (const directory of this.#directories) directory[Symbol.dispose]();
  }
}

async function writeJournal(dir: string, events: number, eventAt: EventAt): Promise<void> {
  const { encode } = await built.event();
  const { FileJournal } = await built.fileJournal();
  const journal = await FileJournal.open({
    dir,
    durability: { mode: 'interval', ms: 1_000 },
    fresh: () => ({ journal: randomUUID(), epoch: 'bench000' }),
  });
  const began = Date.now() - events * 2;
  for (let seq = 1; seq <= events; ) {
    const records = [];
    for (let n = 0; n < BATCH && seq <= events; n++, seq++) records.push(encode(eventAt(seq, began + seq)));
    await journal.append(records).settled;
  }
  await journal.close();
}
