import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Json, quietNode, type TestNode } from '../support/node.ts';

let server: TestNode;
beforeAll(async () => {
  server = await quietNode();
});
afterAll(() => server[Symbol.asyncDispose]());

const as = (agent: string | undefined): Record<string, string> => (agent === undefined ? {} : { 'x-agent': agent });

async function write(agent: string, content: string, more: object = {}): Promise<string> {
  const { status, body } = await server.send('POST', '/memories', { agent, content, ...more });
  expect([status, body.detail]).toEqual([200, undefined]);
  return body.memory.id;
}

async function found(query: string, caller?: string): Promise<string[]> {
  const { status, body } = await server.get(`/memories/search?${query}`, as(caller));
  expect([status, body.detail]).toEqual([200, undefined]);
  return body.results.map(({ memory }: Json) => memory.id);
}

test('what was acknowledged is found, by its words and by its key, and the answer says how', async () => {
  const id = await write('ada', 'The quokka lives on Rottnest.', { key: 'animals.quokka' });
  const { body } = await server.get('/memories/search?q=quokka&limit=1');
  expect(body).toMatchObject({
    results: [
      { memory: { id, content: 'The quokka lives on Rottnest.' }, matched: expect.stringMatching(/words|both/) },
    ],
    pending: expect.any(Number),
  });
  expect(['lexical', 'hybrid']).toContain(body.mode);
  expect(body.mode === 'lexical' ? body.model : typeof body.model).toBe(body.mode === 'lexical' ? null : 'string');
  const [{ snippet }] = body.results;
  expect(snippet.matches.map(([start, end]: [number, number]) => snippet.text.slice(start, end))).toContain('quokka');
  expect((await found('q=animals.quokka&mode=lexical'))[0]).toBe(id);
  expect((await found('queries=nothing+of+that+kind&queries=rottnest&mode=lexical'))[0]).toBe(id);
  const missing = await server.get('/memories/search');
  expect([missing.status, missing.body.error]).toEqual([400, 'query parameter "q" is required']);
  expect((await server.get('/memories/search?q=x&cursor=nonsense')).body.code).toBe('invalid_cursor');
});

test('a search is narrowed by agent, tags, scope and time', async () => {
  const a = await write('ada', 'walrus one', { tags: ['sea', 'big'] });
  const b = await write('bob', 'walrus two', { tags: ['sea'] });
  const c = await write('bob', 'walrus three', { scope: 'agent' });
  const by = async (query: string, caller?: string) => (await found(`q=walrus&mode=lexical&${query}`, caller)).sort();
  expect(await by('')).toEqual([a, b].sort());
  expect(await by('', 'bob')).toEqual([a, b, c].sort());
  expect(await by('agent=bob')).toEqual([b]);
  expect(await by('tags=big,none')).toEqual([a]);
  expect(await by('tag=sea&agent=ada')).toEqual([a]);
  expect(await by('scope=agent', 'bob')).toEqual([c]);
  expect(await by('scope=team', 'bob')).toEqual([a, b].sort());
  const { createdAt } = (await server.get(`/memories/${b}`)).body.memory;
  expect(await by(`since=${createdAt}`, 'ada')).toEqual([b]);
  expect(await by(`before=${createdAt}`, 'ada')).toEqual([a]);
  for (const caller of [undefined, 'ada'])
    expect((await server.get('/memories/search?q=walrus&scope=agent&agent=bob', as(caller))).body.code).toBe(
      'not_the_owner',
    );
});

test('a search follows what is changed, superseded and deleted', async () => {
  const id = await write('ada', 'the axolotl regrows');
  await server.send('PATCH', `/memories/${id}`, { agent: 'bob', content: 'the salamander regrows' });
  expect([await found('q=axolotl&mode=lexical'), await found('q=salamander&mode=lexical')]).toEqual([[], [id]]);
  const next = await write('bob', 'the salamander does more', { supersedes: [id] });
  expect(await found('q=salamander&mode=lexical')).toEqual([next]);
  await server.send('DELETE', `/memories/${next}`, { agent: 'ada' });
  expect(await found('q=salamander&mode=lexical')).toEqual([]);
  const { body } = await server.get('/search?q=salamander&mode=lexical');
  expect(body.results).toEqual([]);
});

test('private memories are found by their agent alone, on every door that searches', async () => {
  const id = await write('ada', 'the pangolin safe is 4711', { scope: 'agent' });
  for (const caller of [undefined, 'bob', 'ada'])
    for (const door of [
      '/memories/search?q=pangolin',
      '/memories/search?q=pangolin&mode=semantic',
      '/memories/search?q=4711&mode=lexical',
      '/memory/ada/search?q=pangolin',
      '/search?q=pangolin',
    ]) {
      const text = JSON.stringify((await server.get(door, as(caller))).body.results);
      if (caller !== 'ada') expect(text, door).not.toMatch(new RegExp(`pangolin|${id}`));
      // Whether by meaning alone it is found yet is a matter of time.
      else if (!door.includes('semantic')) expect(text, door).toContain('pangolin');
    }
});

test('pages of a search go on without a gap', async () => {
  const ids: string[] = [];
  for (let i = 0; i < 25; i++) ids.push(await write('ada', `capybara number ${i}`));
  for (const sort of ['relevance', 'newest']) {
    const all: string[] = [];
    for (let cursor = ''; ; ) {
      const { body } = await server.get(`/memories/search?q=capybara&mode=lexical&limit=4&sort=${sort}${cursor}`);
      all.push(...body.results.map(({ memory }: Json) => memory.id));
      if (!body.more) break;
      cursor = `&cursor=${body.cursor}`;
    }
    expect([...all].sort()).toEqual([...ids].sort());
    if (sort === 'newest') expect(all).toEqual([...ids].reverse());
  }
});

test('lines of day files are found in the original’s shape, and stand where it says', async () => {
  await write('cyd', 'nothing of interest\n\nhere neither');
  await server.send('POST', '/memory/cyd', { content: '# Okapi\nThe okapi is shy.\nThe OKAPI is striped.' });
  await write('cyd', 'my own okapi', { scope: 'agent' });
  await server.send('POST', '/memory/cyd', { content: 'one more okapi' });
  for (const caller of ['cyd', undefined]) {
    const { body } = await server.get('/memory/cyd/search?q=okapi', as(caller));
    expect(Object.keys(body)).toEqual(expect.arrayContaining(['success', 'results', 'count']));
    expect(body).toMatchObject({ success: true, count: body.results.length });
    const { memories } = (await server.get('/memory/cyd', as(caller))).body;
    for (const { filename, line, match } of body.results) {
      const file = memories.find((each: Json) => each.filename === filename);
      expect(file.content.split('\n')[line - 1].trim(), `${filename}:${line}`).toBe(match);
    }
    const matches = body.results.map(({ match }: Json) => match).filter((match: string) => /okapi/i.test(match));
    const all = ['> # Okapi', '> The OKAPI is striped.', '> The okapi is shy.', 'one more okapi'];
    expect([...matches].sort()).toEqual([...all, ...(caller === 'cyd' ? ['my own okapi'] : [])].sort());
  }
  const missing = await server.get('/memory/cyd/search');
  expect([missing.status, missing.body.error]).toEqual([400, 'query parameter "q" is required']);
});
