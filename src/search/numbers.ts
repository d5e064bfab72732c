import type { Database } from '../store/sqlite.ts';

/**
 * Row numbers of entities that have no seq of their own, in the order of their first appearance. Each that appears
 * gets one, also where it is gone at once: so the numbers do not depend on how events were put into transactions.
 */
export function createNumbers(database: Database, kind: string) {
  const find = database.prepare('SELECT row FROM document_row WHERE kind = ? AND id = ?');
  const newest = database.prepare('SELECT max(row) AS row FROM document_row WHERE kind = ?');
  const put = database.prepare('INSERT INTO document_row (kind, row, id) VALUES (?, ?, ?)');
  let last: number | undefined;
  return {
    of(id: string): { row: number; isNew: boolean } {
      const known = find.get(kind, id) as { row: number } | undefined;
      if (known) return { row: known.row, isNew: false };
      last ??= (newest.get(kind) as { row: number | null }).row ?? 0;
      put.run(kind, ++last, id);
      return { row: last, isNew: true };
    },
    forget(): void {
      last = undefined;
    },
  };
}
