import fc from 'fast-check';
import { expect, test } from 'vitest';
import { documents } from '../../src/capabilities/documents.ts';
import { capabilities } from '../../src/capabilities/index.ts';
import type { SearchRequest } from '../../src/kernel/search.ts';
import { createLexical } from '../../src/search/lexical.ts';
import { rowsPlan } from '../../src/search/plan.ts';
import { formatResume } from '../../src/search/position.ts';
import { follow, type RowsData } from '../../src/search/rows.ts';
import { createStatements, type HistorySpec, planOf } from '../../src/store/schema.ts';
import { openDatabase } from '../../src/store/sqlite.ts';
import { type Asking, oracle, type Told } from '../support/search-oracle.ts';

const DOCUMENTS = new URL('../../src/capabilities/documents.ts', import.meta.url).href;
const SPECS = capabilities.flatMap(({ collections }) => [...collections]);
const MESSAGES = SPECS.find(({ name }) => name === 'messages') as HistorySpec;

const WORDS = [
  'a',
  'deploy',
  'deployed',
  'deployment',
  'dep',
  'test',
  'tests',
  'green',
  'x1',
  '42',
  'é',
  'rare',
  'seldom',
];
const AGENTS = ['kai', 'Kai', 'link'];
const CHANNELS = ['general', 'dev'];

/** One of a list for a share from 0 to 1, the first most often. */
const pick = <T>(from: readonly T[], share: number): T => from[Math.floor(share ** 2 * from.length)] as T;

/** A history and the index that the writer makes of it. */
async function write(seed: number, many: number) {
  const random = sequence(seed);
  const database = openDatabase(':memory:');
  const { schema, data } = rowsPlan(DOCUMENTS);
  database.exec(createStatements(SPECS, schema));
  const follower = await follow(database, data as RowsData);
  const putMessage = database.prepare(planOf(MESSAGES).upsert);
  const putTask = database.prepare("INSERT OR REPLACE INTO entity (collection, id, doc) VALUES ('tasks', ?, ?)");
  const text = () =>
    Array.from({ length: 1 + Math.floor(random() * 12) }, () => pick(WORDS, random())).join(random() < 0.2 ? '-' : ' ');
  const told: Told[] = [];
  const entityOf = ({ kind, id, row, texts, gone, at, readers, from, channel }: Told) =>
    kind === 'tasks'
      ? { id, title: texts.at(-1), createdBy: from, createdAt: at, seq: row }
      : {
          id,
          seq: row,
          from,
          content: gone ? '' : texts.at(-1),
          timestamp: at,
          channel: readers ? `dm:${readers.join(':')}` : channel,
          reactions: {},
          ...(gone && { deletedAt: 1 }),
        };
  const store = (docs: readonly Told[]) => {
    for (const kind of ['messages', 'tasks'] as const) {
      const of = docs.filter((doc) => doc.kind === kind);
      if (of.length === 0) continue;
      const entities = of.map(entityOf);
      follower.change({ collection: kind, ids: of.map(({ id }) => id), docs: entities }, 1);
      for (const [i, { id }] of of.entries())
        (kind === 'tasks' ? putTask : putMessage).run(id, JSON.stringify(entities[i]));
    }
  };
  let tasks = 0;
  for (let i = 1; i <= many; i++) {
    const isTask = random() < 0.05;
    const isPrivate = !isTask && random() < 0.1;
    const row = isTask ? ++tasks : i * 7;
    // Every fifth hundred was imported: older than what stands before it.
    const at = i * 1_000 - (Math.floor(i / 100) % 5 === 4 ? 400_000 : 0);
    const doc: Told = {
      kind: isTask ? 'tasks' : 'messages',
      row,
      id: `${isTask ? 'task' : 'msg'}-${row}`,
      texts: [text()],
      gone: false,
      at: Math.max(0, at),
      from: pick(AGENTS, random()),
      ...(isPrivate && { readers: random() < 0.5 ? ['kai', 'link'] : ['Kai', 'link'] }),
      ...(!isTask && !isPrivate && { channel: pick(CHANNELS, random()) }),
    };
    told.push(doc);
    store([doc]);
    if (random() < 0.1) {
      const changed = pick(told, random());
      if (changed.kind === 'messages' && random() < 0.3) changed.gone = true;
      else if (!changed.gone) changed.texts.push(text());
      store([changed]);
    }
  }
  return { told, lexical: createLexical(database, documents), database };
}

/** Numbers from 0 to 1 that follow from a seed. */
function sequence(seed: number): () => number {
  let x = seed >>> 0 || 1;
  return () => {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    return (x >>> 0) / 2 ** 32;
  };
}

const chunk = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(...WORDS, 'absent') },
  {
    weight: 2,
    arbitrary: fc.array(fc.constantFrom(...WORDS), { minLength: 2, maxLength: 3 }).map((words) => words.join('-')),
  },
  { weight: 1, arbitrary: fc.constantFrom(...WORDS).map((word) => `-${word}`) },
);
const asking: fc.Arbitrary<Asking> = fc.record({
  // Each word once, and something that is wanted.
  typed: fc
    .tuple(fc.uniqueArray(chunk, { minLength: 1, maxLength: 4 }), fc.constantFrom('', ' '))
    .filter(([chunks]) => chunks.some((each) => !each.startsWith('-')))
    .map(([chunks, end]) => chunks.join(' ') + end),
  agent: fc.constantFrom(undefined, ...AGENTS, 'nobody'),
  filter: fc.record(
    {
      from: fc.constantFrom(...AGENTS),
      channel: fc.constantFrom(...CHANNELS),
      since: fc.nat(3_000_000),
      before: fc.nat(3_000_000),
    },
    { requiredKeys: [] },
  ),
  sort: fc.constantFrom('relevance', 'newest'),
  kinds: fc.constantFrom(['messages'] as const, ['messages', 'tasks'] as const),
});

for (const [many, questions] of [
  [40, 150],
  [3_000, 40],
] as const) {
  test(`of ${many} texts exactly those are found that looking at everything finds, in the same order and with the same score`, async () => {
    for (const seed of [1, 2, 3]) {
      const { told, lexical } = await write(seed * 7_919, many);
      fc.assert(
        fc.property(asking, fc.constantFrom(7, 100, 1_000), (asked, limit) => {
          const { typed, agent, filter, sort, kinds } = asked;
          const found: { id: string; score: number }[] = [];
          let after: string | undefined;
          do {
            const request: SearchRequest = {
              queries: [typed],
              in: kinds,
              mode: 'lexical',
              agent,
              filter,
              sort,
              limit,
              ...(after && { after }),
            };
            const { hits, next } = lexical.find(request);
            for (const { id, score } of hits) found.push({ id, score: Number(score.toFixed(9)) });
            after = next && formatResume(next);
          } while (after !== undefined && found.length < 3 * limit);
          const wanted = oracle(told, asked).map(({ id, score }) => ({ id, score: Number(score.toFixed(9)) }));
          expect(found).toEqual(after === undefined ? wanted : wanted.slice(0, found.length));
        }),
        { numRuns: questions, seed: seed + 1 },
      );
    }
  }, 120_000);
}
