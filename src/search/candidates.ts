import type { Document, DocumentSource } from '../kernel/document.ts';
import type { SearchFilter } from '../kernel/search.ts';
import type { Database } from '../store/sqlite.ts';

/** Something that is searched, as it was read from the index. */
export interface Candidate {
  row: number;
  id: string;
  entity: object;
  /** Of the entity as JSON. */
  bytes: number;
  document: Document;
}

/** Reads what is searched of a source, by rows. */
export interface Reader {
  /** The highest row that there is. */
  highest(): number;
  /** In the order of the rows; nothing for one that is not searched, or that this agent may not read. */
  read(rows: readonly number[], agent: string | undefined): Candidate[];
  /** All that is searched among `[first, last]`, whoever may read it. */
  readAll(first: number, last: number): Candidate[];
}

export function createReader(database: Database, source: DocumentSource): Reader {
  const { kind, collection, keep } = source;
  const history = keep === 'history';
  // One statement for many rows costs a third of one for each.
  const sql = history
    ? `SELECT seq AS row, entity.id, doc FROM json_each(?) AS wanted CROSS JOIN "${collection}" AS entity ON seq = wanted.value`
    : `SELECT row, entity.id, doc FROM json_each(?1) AS wanted
       CROSS JOIN document_row ON kind = ?2 AND row = wanted.value
       CROSS JOIN entity ON collection = ?3 AND entity.id = document_row.id`;
  const newest = history
    ? `SELECT max(seq) AS row FROM "${collection}"`
    : 'SELECT max(row) AS row FROM document_row WHERE kind = ?';
  function candidates(rows: readonly number[]): Candidate[] {
    const found = database.prepare(sql).all(JSON.stringify(rows), ...(history ? [] : [kind, collection]));
    return (found as { row: number; id: string; doc: string }[]).flatMap(({ row, id, doc }) => {
      const entity = JSON.parse(doc) as object;
      const document = source.of(entity);
      return document ? [{ row, id, entity, bytes: Buffer.byteLength(doc), document }] : [];
    });
  }

  return {
    highest: () => (database.prepare(newest).get(...(history ? [] : [kind])) as { row: number | null }).row ?? 0,
    read: (rows, agent) => candidates(rows).filter(({ document }) => mayFind(document, agent)),
    readAll: (first, last) => candidates(Array.from({ length: last - first + 1 }, (_, i) => first + i)),
  };
}

/** True where the agent is one of those who may find it. */
export function mayFind({ readers }: Pick<Document, 'readers'>, agent: string | undefined): boolean {
  return readers === undefined || (agent !== undefined && readers.includes(agent));
}

/** True where it was written at a time that was asked for. */
export function isInTime({ at }: Document, { since, before }: Pick<SearchFilter, 'since' | 'before'>): boolean {
  return (since === undefined || at >= since) && (before === undefined || at < before);
}
