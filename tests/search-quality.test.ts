import { describe, expect, test } from 'vitest';
import { readSearchSet, type SetQuery } from '../bench/support/search-set.ts';
import { minilmFiles } from '../src/search/semantic/minilm-files.ts';
import { quietNode, type TestNode } from './support/node.ts';
import { hindrance } from './support/privilege.ts';

const reason = hindrance(() => {
  if (minilmFiles() === undefined) throw new Error('the packages of the local model are not installed');
});

/** Two of five documents, and the first of the queries that lead to them. */
function part(): { documents: { id: string; text: string }[]; of: (queries: SetQuery[]) => SetQuery[] } {
  const set = readSearchSet();
  const documents = set.documents.filter((_, i) => i % 5 < 2);
  const ids = new Set(documents.map(({ id }) => id));
  return { documents, of: (queries) => queries.filter(({ document }) => ids.has(document)).slice(0, 45) };
}

/** Shares of the queries whose document comes first, and is among the first five. */
async function recall(server: TestNode, queries: readonly SetQuery[], ids: ReadonlyMap<string, string>) {
  let [first, five] = [0, 0];
  for (const { query, document } of queries) {
    const { body } = await server.get(`/memories/search?mode=hybrid&limit=5&q=${encodeURIComponent(query)}`);
    expect(body).toMatchObject({ mode: 'hybrid', model: 'minilm-l6-v2', pending: 0 });
    const at = body.results.findIndex(({ memory }: { memory: { id: string } }) => memory.id === ids.get(document));
    if (at === 0) first++;
    if (at !== -1) five++;
  }
  return { first: first / queries.length, five: five / queries.length };
}

// Never with a stand-in: it is the shipped model that is promised to find these.
describe.skipIf(reason !== undefined)('with the shipped model', () => {
  test('a part of the evaluation set is found as well as promised, without a word in common', async () => {
    await using server = await quietNode({ env: { EMBEDDINGS: 'minilm' } });
    const { documents, of } = part();
    const ids = new Map<string, string>();
    for (const { id, text } of documents) {
      const { body } = await server.send('POST', '/memories', { agent: 'kai', content: text, similar: false });
      ids.set(id, body.memory.id);
    }
    await expect
      .poll(async () => (await server.get('/search/status')).body.semantic, { timeout: 120_000, interval: 500 })
      .toEqual({ model: 'minilm-l6-v2', indexed: documents.length, pending: 0 });
    const set = readSearchSet();
    const [paraphrases, keywords, identifiers] = [of(set.paraphrases), of(set.keywords), of(set.identifiers)];
    expect([paraphrases.length, keywords.length, identifiers.length].every((length) => length >= 15)).toBe(true);
    expect((await recall(server, paraphrases, ids)).five).toBeGreaterThanOrEqual(0.5);
    expect((await recall(server, keywords, ids)).first).toBe(1);
    expect((await recall(server, identifiers, ids)).first).toBeGreaterThanOrEqual(0.93);
    let told = 0;
    const duplicates = of(set.duplicates);
    for (const { query, document } of duplicates) {
      const { body } = await server.send('POST', '/memories', { agent: 'rex', content: query });
      if (body.similar.some(({ id }: { id: string }) => id === ids.get(document))) told++;
    }
    expect(duplicates.length).toBeGreaterThanOrEqual(10);
    expect(told / duplicates.length).toBeGreaterThanOrEqual(0.7);
  }, 240_000);
});
