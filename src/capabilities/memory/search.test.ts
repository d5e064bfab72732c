import { expect, test, vi } from 'vitest';
import { type Past, type Scene, given as scene } from '../../../tests/support/given.ts';
import type { Json } from '../../../tests/support/node.ts';
import { Refusal } from '../../kernel/errors.ts';
import type { Search, SearchAnswer, SearchRequest } from '../../kernel/search.ts';
import { capabilities } from '../index.ts';
import { similarTo } from './similar.ts';

const DAY = 86_400_000;
const MAY = Date.UTC(2026, 4, 17, 10);

function written(id: string, content: string, more: Record<string, unknown> = {}): Past {
  const { agent = 'link', at = MAY, ...rest } = more as { agent?: string; at?: number };
  const data = {
    id,
    agent,
    content,
    scope: 'team',
    createdAt: at,
    updatedAt: at,
    updatedBy: agent,
    version: 1,
    ...rest,
  };
  return { type: 'memory_written', subject: id, actor: agent, at, data };
}

/** A search that finds these, in this order, and tells what it was asked. */
function finding(all: Scene, ids: readonly string[], more: Partial<SearchAnswer> = {}) {
  const asked: SearchRequest[] = [];
  const search = {
    async find(request: SearchRequest): Promise<SearchAnswer> {
      asked.push(request);
      const hits = ids.slice(0, request.limit).map((id, i) => {
        const entity = all.entity('memories', id);
        const snippet = { text: entity.content.slice(0, 20), matches: [[0, 1]] as [number, number][] };
        return {
          kind: 'memory' as const,
          id,
          seq: entity.seq,
          score: 1 / (i + 1),
          matched: 'both' as const,
          snippet,
          entity,
        };
      });
      const next = ids.length > request.limit ? { next: `after-${hits.at(-1)?.id}` } : {};
      return { hits, mode: 'hybrid', words: 'all', model: 'a-model', pending: 2, ...next, ...more };
    },
  };
  return { asked, beside: { search: search as unknown as Search } };
}

test('a search hands on what is asked, and shows memories with their scores and what was done', async () => {
  const all = scene(capabilities, written('a', 'deploys on tuesdays'), written('b', 'the heron'));
  const { asked, beside } = finding(all, ['b', 'a'], { degraded: 'the endpoint fails' });
  const answer = await all.asks(
    'memories.search',
    {
      q: 'heron',
      queries: ['a bird', 'heron'],
      agent: 'link',
      tags: 't,u',
      tag: 't',
      since: '5',
      mode: 'semantic',
      limit: '1',
    },
    'kai',
    beside,
  );
  expect(asked).toEqual([
    {
      queries: ['heron', 'a bird'],
      in: ['memory'],
      mode: 'semantic',
      agent: 'kai',
      filter: { from: 'link', tags: ['t', 'u'], since: 5 },
      sort: 'relevance',
      limit: 1,
    },
  ]);
  const memory = all.entity('memories', 'b');
  expect(answer).toEqual({
    results: [{ memory, score: 1, matched: 'both', snippet: { text: 'the heron', matches: [[0, 1]] } }],
    count: 1,
    mode: 'hybrid',
    words: 'all',
    model: 'a-model',
    pending: 2,
    degraded: 'the endpoint fails',
    more: true,
    cursor: 'test-after-b',
  });
});

test('what a search finds and the caller may not read, or what is gone meanwhile, is not shown', async () => {
  const all = scene(
    capabilities,
    written('mine', 'heron', { scope: 'agent' }),
    written('old', 'heron'),
    written('gone', 'heron'),
    { type: 'memory_superseded', subject: 'old', data: { id: 'old', agent: 'link', scope: 'team', supersededBy: 'x' } },
    { type: 'memory_deleted', subject: 'gone', data: { id: 'gone', agent: 'link', scope: 'team' } },
    written('seen', 'heron'),
  );
  const { beside } = finding(all, ['mine', 'old', 'gone', 'seen']);
  for (const [caller, shown] of [
    ['link', ['mine', 'seen']],
    ['kai', ['seen']],
    [undefined, ['seen']],
  ] as const) {
    const { results } = await all.asks('memories.search', { q: 'heron' }, caller, beside);
    expect(results.map(({ memory }: Json) => memory.id)).toEqual(shown);
    const lines = await all.asks('memory.search', { agent: 'link', q: 'heron' }, caller, beside);
    expect(lines.count).toBe(shown.length);
  }
});

test('private memories are searched by their agent alone', async () => {
  const all = scene(capabilities);
  const { beside, asked } = finding(all, []);
  for (const [input, caller] of [[{}], [{ agent: 'link' }, 'kai']] as const)
    await expect(
      all.asks('memories.search', { q: 'x', scope: 'agent', ...input }, caller, beside),
    ).rejects.toMatchObject({ code: 'not_the_owner' });
  await all.asks('memories.search', { q: 'x', scope: 'agent' }, 'link', beside);
  expect(asked.map(({ agent, filter }) => [agent, filter.scope])).toEqual([['link', 'agent']]);
});

test('what is too large for one answer goes on after the last that is shown', async () => {
  const large = 'x '.repeat(50_000);
  const ids = Array.from({ length: 15 }, (_, i) => `m${i}`);
  const all = scene(capabilities, ...ids.map((id) => written(id, large)));
  const { beside } = finding(all, ids);
  const { count, cursor } = await all.asks('memories.search', { q: 'x', limit: 15 }, undefined, beside);
  expect([count, cursor]).toEqual([10, 'test-after-m9']);
  const slim = await all.asks('memories.search', { q: 'x', limit: 15, fields: 'id' }, undefined, beside);
  expect([slim.count, slim.cursor, slim.results[0].memory]).toEqual([15, undefined, { id: 'm0' }]);
  const short = await all.asks('memories.search', { q: 'x', limit: 15, compact: '1' }, undefined, beside);
  expect([short.count, short.results[0].memory.content.length]).toEqual([15, 281]);
});

test.each([
  [{}],
  [{ q: '' }],
  [{ q: ' ' }],
  [{ q: 'x'.repeat(8_193) }],
  [{ queries: [] }],
  [{ queries: Array(9).fill('x') }],
  [{ q: 'x', mode: 'magic' }],
  [{ q: 'x', sort: 'oldest' }],
])('%o is refused in the words of the original', async (input) => {
  const all = scene(capabilities);
  await expect(all.asks('memories.search', input, undefined, finding(all, []).beside)).rejects.toMatchObject({
    code: 'invalid_input',
    options: { error: 'query parameter "q" is required' },
  });
});

/** What memories may say: each is also written with ends of lines, structure and white space of every kind. */
const TEXTS = [
  'one line about the heron',
  'first\nsecond has a heron\n\nlast with a Heron too',
  '# heron heading\r\n```\r\nunclosed heron\rand more',
  '\n\n   heron after nothing   \n',
  'nothing of that kind\nbut it means a bird',
  '---\nheron: yes\n---',
  'tabs\there heron\u2028and after',
];

test('line and match are true of the day files, for each reader, whatever memories say', async () => {
  const past: Past[] = [];
  for (let day = 0; day < 3; day++)
    for (const [i, content] of TEXTS.entries())
      for (const scope of ['team', 'agent'])
        past.push(
          written(`m-${day}-${i}-${scope}`, content, {
            scope,
            at: MAY + day * DAY + i * 1_000 + (scope === 'team' ? 0 : 500),
          }),
        );
  past.push({
    type: 'memory_changed',
    subject: 'm-1-0-team',
    at: MAY + 5 * DAY,
    data: { id: 'm-1-0-team', agent: 'kai', scope: 'team', version: 2, content: 'now\nwith\nmore lines\nthan before' },
  });
  past.push({
    type: 'memory_deleted',
    subject: 'm-2-1-team',
    at: MAY + 6 * DAY,
    data: { id: 'm-2-1-team', agent: 'kai', scope: 'team' },
  });
  const all = scene(capabilities, ...past);
  const ids = all
    .all('memories')
    .map(({ id }) => id)
    .reverse();
  const { beside } = finding(all, ids);
  for (const reader of ['link', 'kai']) {
    const { memories } = await all.asks('memory.files', { agent: 'link' }, reader);
    const files = new Map<string, string[]>(
      memories.map(({ filename, content }: Json) => [filename, content.split('\n')]),
    );
    for (const q of ['heron', 'HERON too', 'more lines', 'a bird that flies']) {
      const { results, count } = await all.asks('memory.search', { agent: 'link', q, limit: 1_000 }, reader, beside);
      expect(count).toBe(results.length);
      expect(count).toBeGreaterThan(10);
      for (const { filename, line, match } of results) {
        expect(files.get(filename)?.[line - 1]?.trim(), `${filename}:${line}`).toBe(match);
        // A heading is no line of a memory.
        expect(match).not.toMatch(/^## \d\d:/);
      }
    }
    const { results } = await all.asks('memory.search', { agent: 'link', q: 'heron', limit: 1_000 }, reader, beside);
    const wanted = [...files.values()].flat().filter((line) => /heron/i.test(line)).length;
    expect(results.filter(({ match }: Json) => /heron/i.test(match)).length).toBe(wanted);
  }
});

test('of a memory without the whole query, the line with most of its words is shown, else the first that says anything', async () => {
  const all = scene(
    capabilities,
    written('a', '\n---\nred boats\nblue boats sail\nred sails'),
    written('b', '\n\n***\nhello'),
  );
  const lines = async (q: string) => {
    const { results } = await all.asks(
      'memory.search',
      { agent: 'link', q },
      undefined,
      finding(all, ['a', 'b']).beside,
    );
    return results.map(({ match }: Json) => match);
  };
  expect(await lines('sail blue')).toEqual(['> blue boats sail', 'hello']);
  expect(await lines('boats red')).toEqual(['> red boats', 'hello']);
  expect(await lines('vessel')).toEqual(['> red boats', 'hello']);
});

const status = (model: string | null, error?: string) => async () => ({
  messages: { indexed: 0, head: 0 },
  semantic: { model, indexed: 0, pending: 0, ...(error !== undefined && { error }) },
});

test('a writer is told of what means nearly the same, of nothing where there is no model, and why where it fails', async () => {
  const all = scene(capabilities, written('a', 'deploys on tuesdays', { key: 'k' }));
  const memories = { get: (id: string) => all.entity('memories', id) };
  const ask = (search: Partial<Search> | undefined) =>
    similarTo('text', 'kai', { search: search as Search, state: { memories } as never });
  const near = [
    { id: 'a', similarity: 0.9 },
    { id: 'gone', similarity: 0.8 },
  ];
  expect(await ask({ similar: async () => near, status: status('m') })).toEqual({
    similar: [{ id: 'a', similarity: 0.9, agent: 'link', content: 'deploys on tuesdays', key: 'k' }],
    model: 'm',
  });
  expect(await ask(undefined)).toEqual({ similar: [], model: null });
  expect(await ask({ similar: async () => [], status: status(null) })).toEqual({ similar: [], model: null });
  expect(await ask({ similar: async () => [], status: status('m', 'no answer') })).toMatchObject({
    degraded: 'no answer',
  });
  const refuses = async () => {
    throw new Refusal('index_unavailable', 'not now');
  };
  expect(await ask({ similar: refuses })).toEqual({ similar: [], model: null, degraded: 'not now' });
  const breaks = async () => {
    throw new Error('a fault');
  };
  await expect(ask({ similar: breaks })).rejects.toThrow('a fault');
});

test('a model that takes too long holds nobody up', async () => {
  vi.useFakeTimers();
  try {
    const never = { similar: () => new Promise<never>(() => {}) } as Partial<Search> as Search;
    const asked = similarTo('text', 'kai', { search: never, state: {} as never });
    await vi.advanceTimersByTimeAsync(2_000);
    expect(await asked).toMatchObject({ similar: [], model: null, degraded: expect.stringContaining('2 seconds') });
    expect(vi.getTimerCount()).toBe(0);
  } finally {
    vi.useRealTimers();
  }
});
