import { existsSync, linkSync, rmSync } from 'node:fs';
import { dmEnds } from '../../capabilities/channels/state.ts';
import { type Database, isFileFault, openDatabase } from '../../store/sqlite.ts';
import { ABOUT, createTable, type Entity, TABLES, type Table, valuesOf } from './schema.ts';

/** Nothing can be exported; the message says why to the person at the keyboard. */
export class NoExport extends Error {}

export interface ExportOptions {
  /** The index of the data directory. */
  index: string;
  /** What is written; must not be there. */
  file: string;
  /** Direct messages, and memories that are an agent's own, as well. */
  withPrivate: boolean;
  now: Date;
}

export interface Exported {
  /** The event up to which everything is in it. */
  seq: number;
  /** Rows by table. */
  rows: Record<string, number>;
  /** Rows that were left out because they are private. */
  left: number;
}

/** Rows read at a time. */
const PAGE = 1_000;

/**
 * Writes what the index of a data directory holds into a new SQLite file, as of one moment: a server may be running.
 * The file is there whole or not at all. Throws {@link NoExport}.
 */
export function exportSqlite({ index, file, withPrivate, now }: ExportOptions): Exported {
  if (existsSync(file)) throw new NoExport(`${file} is there already. Name a file that does not exist yet.`);
  if (!existsSync(index)) throw new NoExport(`There is no ${index}. Start the server once, or set DATA_DIR.`);
  const partial = `${file}.partial-${process.pid}`;
  const source = open(index);
  try {
    const target = openDatabase(partial);
    let done: Exported;
    try {
      done = copy(source, target, withPrivate, now);
    } finally {
      target.close();
    }
    // A link is refused where somebody was faster.
    linkSync(partial, file);
    return done;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST')
      throw new NoExport(`${file} is there already. Name a file that does not exist yet.`);
    if (isFileFault(error)) throw new NoExport(`${error.message}: ${index} or ${file}.`);
    throw error;
  } finally {
    source.close();
    for (const suffix of ['', '-journal']) rmSync(partial + suffix, { force: true });
  }
}

function open(index: string): Database {
  try {
    const database = openDatabase(index, { readOnly: true });
    database.prepare('SELECT value FROM meta').all();
    return database;
  } catch (error) {
    throw new NoExport(
      `${index} cannot be read: ${(error as Error).message}. It is derived: delete it and start the server, which makes it anew.`,
    );
  }
}

function copy(source: Database, target: Database, withPrivate: boolean, now: Date): Exported {
  target.exec(`PRAGMA synchronous = OFF; BEGIN; ${[ABOUT, ...TABLES.map(createTable)].join(';\n')}`);
  // One view of the index, whatever is written meanwhile.
  source.exec('BEGIN');
  const meta = new Map(
    (source.prepare('SELECT key, value FROM meta').all() as { key: string; value: string | number }[]).map(
      ({ key, value }) => [key, value],
    ),
  );
  const done: Exported = { seq: Number(meta.get('applied_seq')), rows: {}, left: 0 };
  for (const table of TABLES) {
    const put = target.prepare(`INSERT INTO ${table.name} VALUES (${table.columns.map(() => '?').join(', ')})`);
    let rows = 0;
    for (const entity of entitiesOf(source, table)) {
      if (entity.deletedAt !== undefined) continue;
      if (isPrivate(table, entity) && !withPrivate) done.left++;
      else {
        rows++;
        put.run(...valuesOf(table, table.name === 'tasks' ? { ...entity, number: rows } : entity));
      }
    }
    done.rows[table.name] = rows;
    target.exec(`INSERT INTO ${table.name}_fts (${table.name}_fts) VALUES ('rebuild')`);
  }
  source.exec('COMMIT');
  const about = target.prepare('INSERT INTO about VALUES (?, ?)');
  for (const [key, value] of Object.entries({
    what: 'messages, tasks and memories of a reflectt-node, written by `npm run export:sqlite`',
    exported_at: now.toISOString(),
    up_to_event: done.seq,
    journal: meta.get('journal') ?? null,
    epoch: meta.get('epoch') ?? null,
    private: withPrivate
      ? 'direct messages and memories of agents are in it'
      : 'direct messages and memories of agents are left out',
    search:
      "SELECT m.* FROM messages_fts f JOIN messages m ON m.seq = f.rowid WHERE messages_fts MATCH 'words' ORDER BY rank",
  }))
    about.run(key, value);
  target.exec('COMMIT');
  return done;
}

/** Every entity of a table, in its order. */
function* entitiesOf(source: Database, { name }: Table): Generator<Entity> {
  if (name === 'tasks') {
    const rows = source.prepare("SELECT doc FROM entity WHERE collection = 'tasks' ORDER BY doc ->> 'createdAt', id");
    for (const { doc } of rows.all() as { doc: string }[]) yield JSON.parse(doc) as Entity;
    return;
  }
  const page = source.prepare(`SELECT seq, doc FROM ${name} WHERE seq > ? ORDER BY seq LIMIT ${PAGE}`);
  for (let after = 0; ; ) {
    const rows = page.all(after) as { seq: number; doc: string }[];
    for (const { doc } of rows) yield JSON.parse(doc) as Entity;
    const last = rows.at(-1);
    if (last === undefined) return;
    after = last.seq;
  }
}

function isPrivate({ name }: Table, { channel, scope }: Entity): boolean {
  if (name === 'messages') return dmEnds(String(channel)) !== undefined;
  return name === 'memories' && scope === 'agent';
}
