import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createStatements, planOf } from '../../store/schema.ts';
import { openDatabase } from '../../store/sqlite.ts';
import { contentLines, entryOf } from './day-file.ts';
import { memory } from './index.ts';
import { type MemoryFilter, memoriesTable, selectMemories } from './projection.ts';
import type { Memory } from './state.ts';

function table() {
  const database = openDatabase(':memory:');
  database.exec(createStatements(memory.collections));
  const put = database.prepare(planOf(memoriesTable as Parameters<typeof planOf>[0]).upsert);
  return { database, put: (doc: object & { id: string }) => put.run(doc.id, JSON.stringify(doc)) };
}

const FILTERS: [filter: MemoryFilter, reader: string | undefined][] = [
  [{}, undefined],
  [{}, 'ada'],
  [{ superseded: true }, 'ada'],
  [{ agent: 'ada' }, 'ada'],
  [{ scope: 'agent' }, 'ada'],
  [{ scope: 'team', agent: 'ada' }, 'ada'],
  [{ tags: ['a'] }, undefined],
  [{ tags: ['a', 'b'], agent: 'ada' }, 'ada'],
  [{ tags: ['a'], since: 1, before: 9, beforeSeq: 5 }, 'ada'],
  [{ key: 'k' }, 'ada'],
  [{ key: 'k', tags: ['a'], agent: 'ada', superseded: true }, undefined],
  [{ since: 1, before: 9 }, undefined],
  [{ beforeSeq: 5, superseded: true }, 'ada'],
];

test.each(FILTERS)(
  'a list of %o for %s walks through indexes alone, however many memories there are',
  (filter, reader) => {
    const { database } = table();
    const { sql, params } = selectMemories(filter, reader, 101);
    const plan = database.prepare(`EXPLAIN QUERY PLAN ${sql}`).all(...params) as { detail: string }[];
    const walks = plan.map(({ detail }) => detail).filter((detail) => /\bmemor(?:ies|y_tags)\b/.test(detail));
    expect(walks.length).toBeGreaterThan(0);
    for (const walk of walks)
      expect(walk).toMatch(/^SEARCH memor(?:ies|y_tags) USING .*(?:reader=\? AND state=\?|rowid>\?)/);
    // What is sorted is no more than what the arms bring: each ends at the limit.
    expect(sql.match(/LIMIT 101/g)?.length).toBeGreaterThan(1);
  },
);

/** Text with much that ends lines, and much that does not. */
const text = fc.array(
  fc.constantFrom('a', 'ö', '\n', '\r', '\r\n', '\u2028', '\u0085', '\u0000', '\v', '# ', '```', ' ', '\ud800', '😀'),
  { maxLength: 30 },
);

test('the index counts the lines of a memory as its file has them', () => {
  const { database, put } = table();
  let seq = 0;
  fc.assert(
    fc.property(text, (parts) => {
      seq++;
      const doc = {
        id: `m${seq}`,
        agent: 'ada',
        content: parts.join(''),
        scope: 'team',
        createdAt: seq,
        seq,
        lastSeq: seq,
      };
      put(doc);
      const [row] = database.prepare('SELECT lines FROM memories WHERE seq = ?').all(seq) as { lines: number }[];
      expect(row?.lines).toBe(entryOf(doc as unknown as Memory).split('\n').length - 1);
      expect(row?.lines).toBe(contentLines(doc.content).length + 3);
    }),
    { numRuns: 500 },
  );
});
