import type { Change } from './collection.ts';
import type { Encoded } from './event.ts';
import type { Journal } from './journal/journal.ts';
import type { Store } from './store.ts';

/** Events read at a time while the index catches up. */
const PAGE = 2_000;

/** Applies the events that the index lacks, and hands it what they change. Answers how many there were. */
export async function replay(
  journal: Journal,
  store: Store,
  apply: (records: readonly Encoded[]) => readonly Change[],
  onProgress: ((done: number, total: number) => void) | undefined,
): Promise<number> {
  const from = store.applied;
  const total = journal.durable - from;
  let done = 0;
  for (let after = from; after < journal.durable; ) {
    const records = await journal.read(after, PAGE);
    if (records.length === 0) throw new Error(`the journal ends at ${after}, before ${journal.durable}`);
    const changes = apply(records);
    after += records.length;
    const bytes = records.reduce((sum, { line }) => sum + line.length, 0);
    store.write(after, changes, bytes);
    done += records.length;
    onProgress?.(done, total);
    if (store.full) await store.room();
  }
  return done;
}
