import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { temporaryDirectory } from '../support/directory.ts';
import { append, copyJournal, openJournal, readAll } from './support.ts';

const FIXTURE = fileURLToPath(new URL('../fixtures/journal-v1', import.meta.url));

test('a journal of schema 1, as the first version wrote it, is read whole and goes on', async () => {
  using temp = temporaryDirectory();
  const dir = copyJournal(FIXTURE, join(temp.path, 'journal'));
  const journal = await openJournal(dir);
  expect(journal.status().recovered).toBeUndefined();
  expect(journal.id).toBe('a-journal');
  expect(journal.epoch).toBe('first');
  const records = await readAll(journal);
  expect(records.map(({ event }) => [event.seq, event.at, event.type, event.actor, event.data.text])).toEqual(
    Array.from({ length: 12 }, (_, i) => [i + 1, 1_001 + i, 'noted', 'link', `n${i + 1} ö`]),
  );
  expect(records.map(({ event }) => event.tx)).toEqual([
    undefined,
    { id: 2, i: 1, n: 2 },
    { id: 2, i: 2, n: 2 },
    undefined,
    { id: 5, i: 1, n: 3 },
    { id: 5, i: 2, n: 3 },
    { id: 5, i: 3, n: 3 },
    undefined,
    undefined,
    { id: 10, i: 1, n: 2 },
    { id: 10, i: 2, n: 2 },
    undefined,
  ]);
  expect(records[0]?.idem).toEqual({ key: 'k1', hash: 'h', op: 'note' });
  expect(records[0]?.frame).toBe('{"seq":1,"at":1001,"type":"noted","actor":"link","data":{"text":"n1 ö"}}');
  await append(journal, [2]);
  expect(journal.durable).toBe(14);
  await journal.close();
});
