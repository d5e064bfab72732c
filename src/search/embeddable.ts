import { createHash } from 'node:crypto';
import { DECISIONS } from '../kernel/document.ts';
import type { Database } from '../store/sqlite.ts';
import type { DocumentChange } from './rows.ts';

/** Writes down what is to be given a meaning: the table `embeddable`. */
export function createEmbeddable(database: Database, embedMessages: boolean) {
  const put = database.prepare(
    'INSERT OR REPLACE INTO embeddable (kind, row, id, hash, text, readers, place, at, changed) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)',
  );

  /** As what a message, a task or a memory is found; undefined where it has words alone. */
  function kindOf({ source: { kind }, before, after }: DocumentChange): string | undefined {
    if (kind !== 'messages') return kind;
    const channel = (after ?? before)?.place.channel;
    if (channel === DECISIONS) return DECISIONS;
    return embedMessages ? kind : undefined;
  }

  return {
    change(change: DocumentChange, seq: number): void {
      const kind = kindOf(change);
      const document = change.after ?? change.before;
      if (kind === undefined || document === undefined) return;
      const { readers, place, at } = document;
      const text = change.after?.text ?? '';
      const hash = text === '' ? '' : createHash('sha256').update(text).digest('hex');
      const whose = readers === undefined ? null : JSON.stringify(readers);
      put.run(kind, change.row, change.id, hash, text, whose, JSON.stringify(place), at, seq);
    },
  };
}
