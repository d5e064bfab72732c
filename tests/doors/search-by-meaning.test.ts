import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { temporaryDirectory } from '../support/directory.ts';
import { type Endpoint, fakeEndpoint } from '../support/embeddings.ts';
import { type Json, quietNode, type TestNode } from '../support/node.ts';
import { serverProcess } from '../support/process.ts';

const KEY = 'sk-very-secret';
const LONG = { timeout: 15_000 };

const settingsOf = ({ url }: Endpoint, more: Record<string, string> = {}) => ({
  EMBEDDINGS: 'openai',
  EMBEDDINGS_URL: url,
  EMBEDDINGS_MODEL: 'senses',
  EMBEDDINGS_API_KEY: KEY,
  ...more,
});

async function remember(server: TestNode, agent: string, ...contents: string[]): Promise<string[]> {
  const ids: string[] = [];
  for (const content of contents) {
    const { status, body } = await server.send('POST', '/memories', { agent, content });
    expect([status, body.detail]).toEqual([200, undefined]);
    ids.push(body.memory.id);
  }
  return ids;
}

const semantic = async (server: TestNode): Promise<Json> => (await server.get('/search/status')).body.semantic;
const embedded = (server: TestNode, indexed: number) =>
  expect.poll(() => semantic(server), LONG).toMatchObject({ indexed, pending: 0 });

test('memories, tasks and decisions are found by what they mean, on the search door', async () => {
  await using endpoint = await fakeEndpoint();
  await using server = await quietNode({ env: settingsOf(endpoint) });
  await remember(server, 'kai', 'we ship on Tuesdays', 'the cat sleeps');
  await server.send('POST', '/tasks', { title: 'Mend the storage', createdBy: 'kai' });
  await server.post('kai', 'rollout goes by region', { channel: 'decisions' });
  await server.post('kai', 'a deploy is no decision here');
  await embedded(server, 4);
  expect(await semantic(server)).toEqual({ model: 'senses', indexed: 4, pending: 0 });

  const { body } = await server.get('/search?q=release&limit=2');
  expect(body).toMatchObject({ mode: 'hybrid', model: 'senses', pending: 0 });
  expect(body.degraded).toBeUndefined();
  expect(body.results.map(({ kind, matched }: Json) => `${kind} ${matched}`).toSorted()).toEqual([
    'decisions meaning',
    'memory meaning',
  ]);
  const next = await server.get(`/search?q=release&limit=10&cursor=${body.cursor}`);
  expect(next.body.results.map(({ id }: Json) => id)).not.toContain(body.results[0].id);
  const db = await server.get('/search?q=database&in=tasks&mode=semantic');
  expect(db.body.results[0]).toMatchObject({ kind: 'tasks', matched: 'meaning', task: { title: 'Mend the storage' } });
  const words = await server.get('/search?q=ship');
  expect(words.body.results[0]).toMatchObject({
    matched: 'both',
    snippet: { text: 'we ship on Tuesdays', matches: [[3, 7]] },
  });
  expect(JSON.stringify(endpoint.asked)).not.toContain('no decision');
});

test('messages take part by their words, and by their meaning where the setting says so', async () => {
  await using endpoint = await fakeEndpoint();
  using dir = temporaryDirectory();
  {
    await using server = await quietNode({ dir: dir.path, env: settingsOf(endpoint) });
    await server.post('kai', 'the deploy is over');
    await server.post('kai', 'we release slowly', { channel: 'decisions' });
    await embedded(server, 1);
    const { body } = await server.get('/search?q=deploy');
    expect(body).toMatchObject({ mode: 'hybrid' });
    expect(body.results.map(({ kind, matched }: Json) => `${kind} ${matched}`).toSorted()).toEqual([
      'decisions meaning',
      'messages words',
    ]);
    const alone = await server.get('/search?q=deploy&in=messages&mode=hybrid');
    expect(alone.body).toMatchObject({
      mode: 'lexical',
      pending: 0,
      degraded: expect.stringContaining('EMBED_MESSAGES'),
    });
    expect(alone.body.results).toHaveLength(1);
  }
  await using server = await quietNode({ dir: dir.path, env: settingsOf(endpoint, { EMBED_MESSAGES: '1' }) });
  await server.send('POST', '/chat/messages', { from: 'kai', to: 'rex', content: 'ship it, but tell nobody' });
  await embedded(server, 3);
  const find = async (agent: string, q: string) =>
    (await server.get(`/search?q=${q}&in=messages`, { 'x-agent': agent })).body.results.map(
      ({ message }: Json) => message.content,
    );
  expect((await find('rex', 'rollout')).toSorted()).toEqual([
    'ship it, but tell nobody',
    'the deploy is over',
    'we release slowly',
  ]);
  expect((await find('nova', 'rollout')).toSorted()).toEqual(['the deploy is over', 'we release slowly']);
  expect(await find('nova', '%22ship%20it%22')).toEqual([]);
});

test('what is private to an agent is found by nobody else, in whatever mode', async () => {
  await using endpoint = await fakeEndpoint();
  await using server = await quietNode({ env: settingsOf(endpoint) });
  await server.send('POST', '/memories', { agent: 'kai', content: 'ship it by night', scope: 'agent' });
  await embedded(server, 1);
  for (const mode of ['lexical', 'semantic', 'hybrid'])
    for (const [agent, count] of [
      ['kai', 1],
      ['rex', 0],
    ] as const) {
      const { body } = await server.get(`/search?q=ship&mode=${mode}`, { 'x-agent': agent });
      expect([mode, agent, body.results.length]).toEqual([mode, agent, count]);
    }
  const { body } = await server.send('POST', '/memories', { agent: 'rex', content: 'ship it by evening' });
  expect(body.similar).toEqual([]);
});

test('who writes what is there already is told of it', async () => {
  await using endpoint = await fakeEndpoint();
  await using server = await quietNode({ env: settingsOf(endpoint) });
  const [first] = await remember(server, 'kai', 'we ship by night');
  await remember(server, 'kai', 'the cat sleeps');
  await embedded(server, 2);
  const { body } = await server.send('POST', '/memories', { agent: 'rex', content: 'release late' });
  expect(body).toMatchObject({ model: 'senses', similar: [{ id: first, agent: 'kai' }] });
  expect(body.similar).toHaveLength(1);
});

test('an endpoint that fails leaves words, says why in every answer, and heals; the key is nowhere', async () => {
  await using endpoint = await fakeEndpoint();
  await using server = await quietNode({ env: settingsOf(endpoint) });
  await remember(server, 'kai', 'we ship on Tuesdays', 'the cat sleeps');
  await embedded(server, 2);
  endpoint.answers = { status: 401, body: `no such key: ${KEY}` };
  const degraded = 'the embeddings endpoint refuses the key (401): set EMBEDDINGS_API_KEY';
  const { body } = await server.get('/search?q=tuesdays%20rollout');
  expect(body).toMatchObject({ mode: 'lexical', degraded, results: [{ matched: 'words' }] });
  expect(body.model).toBeUndefined();
  const health = async () => (await server.get('/health')).body;
  await expect.poll(health, LONG).toMatchObject({ status: 'degraded', problems: [expect.stringContaining(degraded)] });
  expect(await semantic(server)).toMatchObject({ error: degraded });
  const written = await server.send('POST', '/memories', { agent: 'rex', content: 'release late' });
  expect(written.body).toMatchObject({ similar: [] });
  const told = JSON.stringify([await health(), body, written.body, (await server.get('/search/status')).body]);
  expect(told).not.toContain(KEY);
  endpoint.answers = undefined;
  await expect
    .poll(async () => (await server.get('/search?q=rollout')).body, LONG)
    .toMatchObject({ mode: 'hybrid', pending: 0 });
  await expect.poll(health, LONG).toMatchObject({ status: 'ok' });
});

test('a page of a search by meaning is not followed by one by words', async () => {
  await using endpoint = await fakeEndpoint();
  await using server = await quietNode({ env: settingsOf(endpoint) });
  await remember(server, 'kai', 'we ship', 'we release', 'we deploy');
  await embedded(server, 3);
  const { cursor } = (await server.get('/search?q=rollout&limit=1')).body;
  const second = await server.get(`/search?q=rollout&limit=1&cursor=${cursor}`);
  expect(second.body.results).toHaveLength(1);
  endpoint.answers = { status: 500 };
  const failed = await server.get(`/search?q=ship%20late&limit=1&cursor=${cursor}`);
  expect([failed.status, failed.body.code]).toEqual([503, 'index_unavailable']);
  expect(failed.body.detail).toContain('answers 500');
  const words = await server.get('/search?q=we&mode=lexical&limit=1');
  const goesOn = await server.get(`/search?q=we&limit=1&cursor=${words.body.cursor}`);
  expect(goesOn.body).toMatchObject({ mode: 'lexical', degraded: 'the search began by words alone' });
  const [epoch] = cursor.split('-');
  for (const bad of ['near.', 'near.00.1.memory.1', 'near.0000000000000000.1.cats.1'])
    expect((await server.get(`/search?q=we&cursor=${epoch}-${bad}`)).body.code).toBe('invalid_cursor');
});

test('without a model it finds by words and says so, and makes no file for vectors', async () => {
  await using server = await quietNode();
  await remember(server, 'kai', 'we ship on Tuesdays');
  const { body } = await server.get('/search?q=ship');
  expect(body).toMatchObject({ mode: 'lexical', pending: 0 });
  expect(body.degraded).toBeUndefined();
  expect(body.results).toHaveLength(1);
  for (const mode of ['hybrid', 'semantic'])
    expect((await server.get(`/search?q=ship&mode=${mode}`)).body).toMatchObject({
      mode: 'lexical',
      degraded: 'no model is set (EMBEDDINGS=none)',
      results: [{ matched: 'words' }],
    });
  expect(existsSync(join(server.dir, 'vectors.sqlite'))).toBe(false);
  expect(await semantic(server)).toEqual({ model: null, indexed: 0, pending: 0 });
  expect((await server.get('/health')).body.status).toBe('ok');
});

test('a deleted index gives the same answers without asking the model for one document again', async () => {
  await using endpoint = await fakeEndpoint();
  using dir = temporaryDirectory();
  const answers = async (server: TestNode) => {
    await embedded(server, 3);
    const asked = ['release', 'cat', '"the cat"', 'ship -tuesdays'].map((q) =>
      server.get(`/search?q=${encodeURIComponent(q)}`),
    );
    return (await Promise.all(asked)).map(({ body }) => body.results.map(({ id, score }: Json) => [id, score]));
  };
  let before: Json;
  {
    await using server = await quietNode({ dir: dir.path, env: settingsOf(endpoint) });
    await remember(server, 'kai', 'we ship on Tuesdays', 'the cat sleeps', 'a dog');
    before = await answers(server);
  }
  for (const suffix of ['', '-wal', '-shm']) rmSync(join(dir.path, `index.sqlite${suffix}`), { force: true });
  endpoint.asked.length = 0;
  await using server = await quietNode({ dir: dir.path, env: settingsOf(endpoint) });
  expect(await answers(server)).toEqual(before);
  expect(endpoint.asked.flatMap(({ input }) => input).toSorted()).toEqual(['cat', 'release', 'ship', 'the cat']);
});

test('the process logs a failing endpoint without the key, and ends in time while it hangs', async () => {
  await using endpoint = await fakeEndpoint();
  endpoint.answers = 'never';
  using dir = temporaryDirectory();
  await using server = await serverProcess({ dir: dir.path, env: { ...settingsOf(endpoint), LOG_LEVEL: 'debug' } });
  await fetch(`${server.url}/memories`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ agent: 'kai', content: 'we ship' }),
  });
  await expect.poll(() => endpoint.asked.length, LONG).toBeGreaterThan(0);
  expect(endpoint.asked[0]?.authorization).toBe(`Bearer ${KEY}`);
  expect(await server.end('SIGTERM')).toBe(0);
  expect(server.output()).not.toContain(KEY);
});
