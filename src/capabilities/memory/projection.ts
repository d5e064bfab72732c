import type { CollectionSpec } from '../../kernel/capability.ts';

const LINES_OF = "replace(replace(doc ->> 'content', char(13) || char(10), char(10)), char(13), char(10))";

/** What is done in the index where a row is written, for the first time or again. */
function onWrite(table: string, name: string, when: string, work: string): string[] {
  return ['INSERT', 'UPDATE'].map(
    (write) =>
      `CREATE TRIGGER ${table}_${name}_on_${write.toLowerCase()} AFTER ${write} ON ${table} WHEN ${when} BEGIN ${work}; END`,
  );
}

/** Memories in the index: one row each, found by reader and then by agent, by key, by day and by time; by tag through a table of their own. */
export const memoriesTable: CollectionSpec = {
  name: 'memories',
  keep: 'history',
  columns: {
    owner: "TEXT AS (doc ->> 'agent') STORED",
    // '' stands for everybody.
    reader: "TEXT AS (CASE doc ->> 'scope' WHEN 'agent' THEN doc ->> 'agent' ELSE '' END) STORED",
    // 0: it lives. 1: another replaces it. 2: it was deleted.
    state:
      "INTEGER AS (CASE WHEN doc ->> 'deletedAt' IS NOT NULL THEN 2 WHEN doc ->> 'supersededBy' IS NOT NULL THEN 1 ELSE 0 END) STORED",
    key: "TEXT AS (doc ->> 'key') STORED",
    ts: "INTEGER AS (doc ->> 'createdAt') STORED",
    // Of UTC, since 1970.
    day: "INTEGER AS ((doc ->> 'createdAt') / 86400000) STORED",
    changed: "INTEGER AS (doc ->> 'lastSeq') STORED",
    // Lines that it takes in the file of its day: its own, and three that its heading takes.
    lines: `INTEGER AS (length(CAST(${LINES_OF} AS BLOB)) - length(CAST(replace(${LINES_OF}, char(10), '') AS BLOB)) + 4) STORED`,
  },
  indexes: [
    'CREATE INDEX memories_by_time ON memories (reader, state, ts)',
    'CREATE INDEX memories_by_owner ON memories (reader, state, owner, ts)',
    'CREATE INDEX memories_by_key ON memories (reader, state, key, ts) WHERE key IS NOT NULL',
    'CREATE INDEX memories_by_day ON memories (owner, day, state, ts, seq, reader, lines)',
    'CREATE INDEX memories_by_change ON memories (changed, owner, day)',
    'CREATE TABLE memory_tags (tag TEXT, reader TEXT, state INTEGER, owner TEXT, ts INTEGER, seq INTEGER, PRIMARY KEY (tag, reader, state, ts, seq)) WITHOUT ROWID',
    'CREATE INDEX memory_tags_by_owner ON memory_tags (tag, reader, state, owner, ts, seq)',
    'CREATE INDEX memory_tags_of_memory ON memory_tags (seq)',
    ...onWrite(
      'memories',
      'tagged',
      '1',
      `DELETE FROM memory_tags WHERE seq = NEW.seq;
       INSERT INTO memory_tags SELECT value, NEW.reader, NEW.state, NEW.owner, NEW.ts, NEW.seq FROM json_each(NEW.doc, '$.tags') WHERE NEW.state < 2`,
    ),
  ],
};

/** What memories said, one row for each version. Those of a deleted one are gone, in whichever order rows come. */
export const versionsTable: CollectionSpec = {
  name: 'memory_versions',
  keep: 'history',
  columns: {
    memory: "TEXT AS (doc ->> 'memory') STORED",
    version: "INTEGER AS (doc ->> 'version') STORED",
  },
  indexes: [
    'CREATE INDEX memory_versions_of_memory ON memory_versions (memory, version)',
    ...onWrite('memories', 'buried', 'NEW.state = 2', 'DELETE FROM memory_versions WHERE memory = NEW.id'),
    ...onWrite(
      'memory_versions',
      'buried',
      '(SELECT state FROM memories WHERE id = NEW.memory) = 2',
      'DELETE FROM memory_versions WHERE seq = NEW.seq',
    ),
  ],
};

/** Which memory has a key. */
export const keysTable: CollectionSpec = { name: 'memory_keys', keep: 'history', columns: {} };

/** Which memories a list wants. Times are milliseconds since 1970. */
export interface MemoryFilter {
  agent?: string | undefined;
  scope?: 'team' | 'agent' | undefined;
  key?: string | undefined;
  /** Any of these. */
  tags?: readonly string[] | undefined;
  since?: number | undefined;
  before?: number | undefined;
  /** Those that others replace as well. */
  superseded?: boolean | undefined;
  /** Only memories that come before this one in the list's order. */
  beforeSeq?: number | undefined;
}

/** A row as it is read: the memory as JSON, and the event that wrote it first. */
export interface MemoryRow {
  doc: string;
  seq: number;
}

type Params = (string | number)[];

/** Before the memory of a cursor; a cursor of another event stands before the next memory, or after the last. */
const BEFORE =
  '(ts, seq) < (SELECT * FROM (SELECT ts, seq FROM memories WHERE seq >= ? ORDER BY seq LIMIT 1) UNION ALL SELECT 9e15, 9e15 LIMIT 1)';

/** The statement for the newest `limit` memories that match and that `reader` may read, newest first. */
export function selectMemories(
  filter: MemoryFilter,
  reader: string | undefined,
  limit: number,
): { sql: string; params: Params } {
  const { agent, scope, key, since, before, beforeSeq, tags = [], superseded } = filter;
  const within: [sql: string, value: string | number | undefined][] = [
    ['ts >= ?', since],
    ['ts < ?', before],
    [BEFORE, beforeSeq],
  ];
  const readers = [...(scope === 'agent' ? [] : ['']), ...(scope === 'team' || reader === undefined ? [] : [reader])];
  const places = readers.flatMap((each) => (superseded ? [0, 1] : [0]).map((state) => [each, state] as const));
  // Each arm walks one index, newest first, and stops at the limit. Of a key there are few, so what else is asked is looked at.
  const arms = places.flatMap(([each, state]) => {
    const where: [string, string | number | undefined][] = [
      ['reader = ?', each],
      ['state = ?', state],
      ['owner = ?', agent],
    ];
    if (key !== undefined) {
      const tagged = tags.map(() => '?').join(', ');
      const among = `EXISTS (SELECT 1 FROM json_each(doc, '$.tags') WHERE value IN (${tagged}))`;
      const arm = armOf('memories INDEXED BY memories_by_key', [...where, ['key = ?', key], ...within], limit);
      if (tags.length === 0) return [arm];
      return [{ sql: arm.sql.replace(' ORDER BY', ` AND ${among} ORDER BY`), params: [...arm.params, ...tags] }];
    }
    const by = agent === undefined ? 'time' : 'owner';
    if (tags.length === 0) return [armOf(`memories INDEXED BY memories_by_${by}`, [...where, ...within], limit)];
    const index = agent === undefined ? 'memory_tags' : 'memory_tags INDEXED BY memory_tags_by_owner';
    return tags.map((tag) => armOf(index, [['tag = ?', tag], ...where, ...within], limit));
  });
  if (arms.length === 0) return { sql: 'SELECT seq, doc FROM memories WHERE 0', params: [] };
  const places_ = arms.map(({ sql }) => `SELECT * FROM (${sql})`).join(' UNION ');
  return {
    sql: `SELECT m.seq, m.doc FROM (SELECT * FROM (${places_}) ORDER BY ts DESC, seq DESC LIMIT ${limit}) AS p CROSS JOIN memories AS m ON m.seq = p.seq ORDER BY p.ts DESC, p.seq DESC`,
    params: arms.flatMap(({ params }) => params),
  };
}

function armOf(
  source: string,
  conditions: readonly (readonly [sql: string, value: string | number | undefined])[],
  limit: number,
): { sql: string; params: Params } {
  const given = conditions.filter(([, value]) => value !== undefined);
  return {
    sql: `SELECT ts, seq FROM ${source} WHERE ${given.map(([sql]) => sql).join(' AND ')} ORDER BY ts DESC, seq DESC LIMIT ${limit}`,
    params: given.map(([, value]) => value as string | number),
  };
}
