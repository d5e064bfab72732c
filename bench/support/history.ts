import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { built } from './built.ts';
import { temporaryDirectory } from './directory.ts';
import { messagePosted } from './messages.ts';
import { startServer } from './server.ts';

const BATCH = 2_000;

export interface History {
  dir: string;
  messages: number;
  /** Events a second that the first start took in to make the index. */
  rebuildRate: number;
}

/** Data directories full of messages, made once a run and shared by the benchmarks that need them. */
export class Histories implements Disposable {
  readonly #made = new Map<number, Promise<History>>();
  readonly #directories: Disposable[] = [];

  of(messages: number): Promise<History> {
    let history = this.#made.get(messages);
    if (history === undefined) this.#made.set(messages, (history = this.#make(messages)));
    return history;
  }

  async #make(messages: number): Promise<History> {
    const directory = temporaryDirectory();
    this.#directories.push(directory);
    await writeJournal(join(directory.path, 'journal'), messages);
    await using server = await startServer({ dir: directory.path, timeout: 280_000 });
    await server.end();
    return { dir: directory.path, messages, rebuildRate: messages / (server.readyMs / 1_000) };
  }

  [Symbol.dispose](): void {
    for (const directory of this.#directories) directory[Symbol.dispose]();
  }
}

async function writeJournal(dir: string, messages: number): Promise<void> {
  const { encode } = await built.event();
  const { FileJournal } = await built.fileJournal();
  const journal = await FileJournal.open({
    dir,
    durability: { mode: 'interval', ms: 1_000 },
    fresh: () => ({ journal: randomUUID(), epoch: 'bench000' }),
  });
  const began = Date.now() - messages * 2;
  for (let seq = 1; seq <= messages; ) {
    const records = [];
    for (let n = 0; n < BATCH && seq <= messages; n++, seq++) records.push(encode(messagePosted(seq, began + seq)));
    await journal.append(records).settled;
  }
  await journal.close();
}
