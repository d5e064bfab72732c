import { expect, test } from 'vitest';
import { openDatabase } from '../store/sqlite.ts';
import { placeWord } from './place.ts';
import { ROWS_SCHEMA } from './rows-schema.ts';
import { newestRows, readable } from './strands.ts';

test('two places have one word only where they are the same', () => {
  const values = ['kai', 'Kai', 'KAI', 'k_ai', 'k-ai', 'k.ai', 'k ai', 'k_2dai', 'ä', 'a\u0308', '🎉', '"', ':', ''];
  const words = values.map((value) => placeWord('from', value));
  expect(new Set(words).size).toBe(values.length);
  for (const word of words) expect(word).toMatch(/^f:[a-z0-9_]*$/);
});

test('rows are found newest first without sorting, in the rows that were asked for', () => {
  const database = openDatabase(':memory:');
  database.exec(ROWS_SCHEMA);
  const put = database.prepare('INSERT INTO words_messages (rowid, words) VALUES (?, ?)');
  for (let row = 1; row <= 500; row++) put.run(row, row % 2 === 0 ? 'c:dev common' : 'c:general common rare');
  const strands = readable('messages', undefined);
  expect(newestRows(database, strands, '"common"', 500, 3)).toEqual([500, 499, 498]);
  expect(newestRows(database, strands, '"rare"', 400, 2)).toEqual([399, 397]);
  const narrow = [
    {
      table: 'words_messages',
      place: '"c:dev"',
      ranges: [
        [90, 99],
        [10, 20],
      ] as const,
    },
  ];
  expect(newestRows(database, narrow, '"common"', 95, 6)).toEqual([94, 92, 90, 20, 18, 16]);
  const plan = database
    .prepare(
      'EXPLAIN QUERY PLAN SELECT rowid FROM words_messages WHERE words_messages MATCH ? AND rowid BETWEEN ? AND ? ORDER BY rowid DESC LIMIT ?',
    )
    .all('"common"', 1, 500, 3) as { detail: string }[];
  expect(plan.map(({ detail }) => detail).join()).not.toContain('TEMP B-TREE');
});
