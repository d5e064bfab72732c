import { expect, test } from 'vitest';
import { capabilities } from '../capabilities/index.ts';
import type { HistorySpec } from '../store/schema.ts';
import { createStatements, planOf } from '../store/schema.ts';
import { openDatabase } from '../store/sqlite.ts';
import { rowsPlan } from './plan.ts';
import { follow, type RowsData } from './rows.ts';

const DOCUMENTS = new URL('../capabilities/documents.ts', import.meta.url).href;
const MESSAGES = capabilities
  .flatMap(({ collections }) => collections)
  .find(({ name }) => name === 'messages') as HistorySpec;

/** An index in memory that is written as the writer does. */
async function openRows(embedMessages = false) {
  const database = openDatabase(':memory:');
  const { schema, data } = rowsPlan(DOCUMENTS, embedMessages);
  database.exec(createStatements([MESSAGES], schema));
  const follower = await follow(database, data as RowsData);
  const message = database.prepare(planOf(MESSAGES).upsert);
  const entity = database.prepare('INSERT OR REPLACE INTO entity (collection, id, doc) VALUES (?, ?, ?)');
  const gone = database.prepare('DELETE FROM entity WHERE collection = ? AND id = ?');
  function put(seq: number, collection: string, ...docs: { id: string; gone?: true }[]) {
    const entities = docs.map((doc) => (doc.gone ? undefined : doc));
    follower.change({ collection, ids: docs.map(({ id }) => id), docs: entities }, seq);
    for (const doc of docs) {
      if (collection === 'messages') message.run(doc.id, JSON.stringify(doc));
      else if (doc.gone) gone.run(collection, doc.id);
      else entity.run(collection, doc.id, JSON.stringify(doc));
    }
  }
  return {
    database,
    put,
    follower,
    rows: () => database.prepare('SELECT kind, row, id, text, changed FROM embeddable ORDER BY kind, row').all(),
  };
}

const message = (seq: number, content: string, more = {}) => ({
  id: `msg-${seq}`,
  seq,
  from: 'kai',
  content,
  channel: 'decisions',
  timestamp: seq,
  reactions: {},
  ...more,
});
const task = (id: string, title: string, more = {}) => ({ id, title, createdBy: 'kai', createdAt: 1, ...more });

test('tasks and decisions are given a meaning, and other messages where the setting says so', async () => {
  for (const all of [false, true]) {
    const { put, rows } = await openRows(all);
    put(3, 'messages', message(1, 'we use SQLite'), message(2, 'hello', { channel: 'general' }));
    put(4, 'tasks', task('b', 'Second letter'), task('a', 'First letter'));
    expect(rows()).toEqual([
      { kind: 'decisions', row: 1, id: 'msg-1', text: 'we use SQLite', changed: 3 },
      ...(all ? [{ kind: 'messages', row: 2, id: 'msg-2', text: 'hello', changed: 3 }] : []),
      { kind: 'tasks', row: 1, id: 'b', text: 'Second letter', changed: 4 },
      { kind: 'tasks', row: 2, id: 'a', text: 'First letter', changed: 4 },
    ]);
  }
});

test('what changes the words is written again; a reaction or a lease is not', async () => {
  const { put, rows } = await openRows();
  put(1, 'messages', message(1, 'we use SQLite'));
  put(2, 'tasks', task('a', 'First'));
  put(3, 'messages', message(1, 'we use SQLite', { reactions: { '👍': ['link'] }, replyCount: 2 }));
  put(4, 'tasks', task('a', 'First', { claim: { id: 'c' } }));
  expect(rows()).toMatchObject([{ changed: 1 }, { changed: 2 }]);
  put(5, 'messages', message(1, 'we use Postgres'));
  put(6, 'tasks', task('a', 'First of all'));
  expect(rows()).toMatchObject([
    { text: 'we use Postgres', changed: 5 },
    { text: 'First of all', changed: 6 },
  ]);
});

test('what is gone stays as an empty row, so that a follower sees it', async () => {
  const { put, rows, database } = await openRows();
  put(1, 'messages', message(1, 'we use SQLite'));
  put(2, 'tasks', task('a', 'First'));
  put(3, 'messages', message(1, '', { deletedAt: 3 }));
  put(4, 'tasks', { id: 'a', gone: true });
  expect(rows()).toMatchObject([
    { kind: 'decisions', text: '', changed: 3 },
    { kind: 'tasks', text: '', changed: 4 },
  ]);
  expect(database.prepare("SELECT count(*) AS n FROM embeddable WHERE hash <> ''").get()).toEqual({ n: 0 });
});

test('numbers of tasks are the same however events were put into transactions', async () => {
  const one = await openRows();
  one.put(4, 'tasks', task('a', 'A'), { id: 'b', gone: true }, task('c', 'C'));
  const many = await openRows();
  many.put(1, 'tasks', task('a', 'A'));
  many.put(2, 'tasks', task('b', 'B'));
  many.put(3, 'tasks', { id: 'b', gone: true });
  many.put(4, 'tasks', task('c', 'C'));
  for (const { rows } of [one, many])
    expect(rows().filter((row) => (row as { text: string }).text !== '')).toMatchObject([
      { id: 'a', row: 1 },
      { id: 'c', row: 3 },
    ]);
});

test('a transaction that is taken back leaves nothing behind', async () => {
  const { database, put, rows, follower } = await openRows();
  database.exec('BEGIN');
  put(2, 'messages', message(2, 'never was'));
  put(2, 'tasks', task('x', 'Never was'));
  database.exec('ROLLBACK');
  follower.rolledBack();
  put(2, 'messages', message(2, 'really was'));
  put(3, 'tasks', task('y', 'Really was'));
  expect(rows()).toMatchObject([
    { row: 2, text: 'really was' },
    { row: 1, id: 'y' },
  ]);
});
