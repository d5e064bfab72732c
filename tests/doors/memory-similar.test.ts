import { expect, test } from 'vitest';
import { type Endpoint, fakeEndpoint } from '../support/embeddings.ts';
import { type Json, quietNode, type TestNode } from '../support/node.ts';

const LONG = { timeout: 20_000 };

/** A server whose model knows which words mean the same: deploy, release, ship … */
const withModel = ({ url }: Endpoint) =>
  quietNode({ env: { EMBEDDINGS: 'openai', EMBEDDINGS_URL: url, EMBEDDINGS_MODEL: 'senses' } });

async function write(server: TestNode, agent: string, content: string, more: object = {}): Promise<Json> {
  const { status, body } = await server.send('POST', '/memories', { agent, content, ...more });
  expect([status, body.detail]).toEqual([200, undefined]);
  return body;
}

/** Waits until so many memories have a meaning. */
const embedded = (server: TestNode, indexed: number) =>
  expect
    .poll(async () => (await server.get('/search/status')).body.semantic, LONG)
    .toMatchObject({ pending: 0, indexed });

const idsOf = ({ similar }: Json) => similar.map(({ id }: Json) => id);

test('a writer is told what means nearly the same and may be read, and nothing is merged', async () => {
  await using endpoint = await fakeEndpoint();
  await using server = await withModel(endpoint);
  const first = await write(server, 'ada', 'we ship on Tuesdays', { key: 'ship.day' });
  const own = await write(server, 'ada', 'the release is mine to do', { scope: 'agent' });
  await write(server, 'ada', 'the cat sleeps');
  await embedded(server, 3);
  const answer = await write(server, 'kai', 'rollout happens weekly');
  expect(answer).toMatchObject({ action: 'created', model: 'senses' });
  expect(answer.similar).toEqual([
    {
      id: first.memory.id,
      similarity: expect.any(Number),
      agent: 'ada',
      content: 'we ship on Tuesdays',
      key: 'ship.day',
    },
  ]);
  expect(answer.similar[0].similarity).toBeGreaterThan(0.8);
  expect((await server.get('/memories')).body.count).toBe(3);
  await embedded(server, 4);
  const asAda = await write(server, 'ada', 'a deploy takes an hour');
  expect(idsOf(asAda).sort()).toEqual([first.memory.id, own.memory.id, answer.memory.id].sort());
  const similarities = asAda.similar.map(({ similarity }: Json) => similarity);
  expect(similarities).toEqual([...similarities].sort((a, b) => b - a));
});

test('what is written anew or replaced by the same write is not told as similar to it', async () => {
  await using endpoint = await fakeEndpoint();
  await using server = await withModel(endpoint);
  const first = await write(server, 'ada', 'we ship on Tuesdays', { key: 'ship.day' });
  await embedded(server, 1);
  const again = await write(server, 'kai', 'we ship on Wednesdays', { key: 'ship.day' });
  expect([again.action, again.memory.id, idsOf(again)]).toEqual(['updated', first.memory.id, []]);
  await embedded(server, 1);
  const instead = await write(server, 'kai', 'the release is on Fridays', { supersedes: [first.memory.id] });
  expect(idsOf(instead)).toEqual([]);
});

test('without a model, or without the wish, nothing is compared, and the answer says so', async () => {
  await using endpoint = await fakeEndpoint();
  await using server = await withModel(endpoint);
  await write(server, 'ada', 'we ship on Tuesdays');
  await embedded(server, 1);
  const before = endpoint.asked.length;
  expect(await write(server, 'kai', 'we ship on Tuesdays', { similar: false })).toMatchObject({
    similar: [],
    model: null,
  });
  expect(endpoint.asked.slice(before).flatMap(({ input }) => input)).toEqual([]);
  await using none = await quietNode();
  await write(none, 'ada', 'we ship on Tuesdays');
  const answer = await write(none, 'kai', 'we ship on Tuesdays');
  expect(answer).toMatchObject({ similar: [], model: null });
  expect(answer.degraded).toBeUndefined();
});

test('where the model fails, the write is done, and the answer says why nothing was compared', async () => {
  await using endpoint = await fakeEndpoint();
  await using server = await withModel(endpoint);
  await write(server, 'ada', 'we ship on Tuesdays');
  await embedded(server, 1);
  endpoint.answers = { status: 500, body: 'no' };
  const failed = await write(server, 'kai', 'we ship on Wednesdays');
  expect(failed).toMatchObject({ action: 'created', similar: [], degraded: expect.stringMatching(/\S/) });
  endpoint.answers = 'never';
  const began = Date.now();
  const late = await write(server, 'kai', 'we ship on Fridays and Mondays');
  expect(late).toMatchObject({ action: 'created', similar: [], degraded: expect.stringMatching(/\S/) });
  // The patience with a model is two seconds; the rest is for a machine that is busy.
  expect(Date.now() - began).toBeLessThan(15_000);
  expect((await server.get('/memories')).body.count).toBe(3);
  endpoint.answers = undefined;
});

test('lines of day files are found by their meaning too, and are still true', async () => {
  await using endpoint = await fakeEndpoint();
  await using server = await withModel(endpoint);
  await write(server, 'ada', 'the cat sleeps');
  await write(server, 'ada', 'first words\nwe ship on Tuesdays');
  await embedded(server, 2);
  const { body } = await server.get('/memory/ada/search?q=release');
  expect(body).toMatchObject({ mode: 'hybrid', model: 'senses' });
  const { memories } = (await server.get('/memory/ada')).body;
  const [{ filename, line, match }] = body.results;
  expect(match).toBe('first words');
  expect(memories.find((file: Json) => file.filename === filename).content.split('\n')[line - 1]).toBe(match);
  const { results } = (await server.get('/memories/search?q=release&limit=1')).body;
  expect(results[0]).toMatchObject({ matched: 'meaning', memory: { content: 'first words\nwe ship on Tuesdays' } });
});
