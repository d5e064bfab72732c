import { createServer } from 'node:net';
import { expect, test } from 'vitest';
import { fakeEndpoint } from '../../../tests/support/embeddings.ts';
import { EmbeddingFailed } from './embedder.ts';
import { createEndpoint } from './openai.ts';

const KEY = 'sk-very-secret';

/** What it fails with; no key and nothing that the endpoint said is in it. */
async function failure(promise: Promise<unknown>): Promise<EmbeddingFailed> {
  const error = await promise.then(
    () => undefined,
    (thrown) => thrown,
  );
  expect(error).toBeInstanceOf(EmbeddingFailed);
  expect(JSON.stringify(error) + error.stack).not.toMatch(/secret/);
  return error;
}

test('texts go out with model, key and dimensions; vectors come back in the order of the texts, of length 1', async () => {
  await using endpoint = await fakeEndpoint();
  const embedder = createEndpoint({ url: `${endpoint.url}/`, model: 'small', apiKey: KEY, dim: 8 });
  const [ship, cat] = await embedder.embed(['ship it', 'a cat \ud800'], 'query');
  expect(endpoint.asked).toEqual([
    { authorization: `Bearer ${KEY}`, model: 'small', input: ['ship it', 'a cat \ufffd'], dimensions: 8 },
  ]);
  expect(ship?.[0]).toBeGreaterThan(0.9);
  expect(cat?.[5]).toBeGreaterThan(0.9);
  expect(Math.hypot(...(ship ?? []))).toBeCloseTo(1);
  expect([embedder.model, embedder.dim]).toEqual(['small/8', 8]);
  await embedder.close();
});

test('without a key and dimensions none are sent, and the first answer tells the length', async () => {
  await using endpoint = await fakeEndpoint();
  const embedder = createEndpoint({ url: endpoint.url, model: 'small' });
  expect(embedder.dim).toBeUndefined();
  await embedder.embed(['ship it'], 'background');
  expect(endpoint.asked).toEqual([{ authorization: undefined, model: 'small', input: ['ship it'] }]);
  expect([embedder.model, embedder.dim]).toEqual(['small', 8]);
  endpoint.dim = 9;
  const { message } = await failure(embedder.embed(['cat'], 'query'));
  expect(message).toContain('answers vectors of 9 numbers, not of 8');
});

const vector = JSON.stringify(Array.from({ length: 8 }, () => 1));
const body = (data: string) => `{"data":${data}}`;

test.each([
  ['401', { status: 401, body: KEY }, 'refuses the key (401): set EMBEDDINGS_API_KEY'],
  ['404', { status: 404 }, 'does not know the path or the model (404)'],
  ['429', { status: 429 }, 'is asked too often (429)'],
  ['500', { status: 500, body: KEY }, 'answers 500'],
  ['a redirect', { status: 307, headers: { location: 'http://127.0.0.1:1/' } }, 'cannot be reached'],
  ['no JSON', { body: `<p>${KEY}</p>` }, 'answers no JSON'],
  ['null', { body: 'null' }, 'answers JSON without vectors'],
  ['no data', { body: '{}' }, 'answers JSON without vectors'],
  ['too few vectors', { body: body('[]') }, 'answers 0 vectors for 1 texts'],
  ['an index of nothing', { body: body(`[{"index":3,"embedding":${vector}}]`) }, 'out of order'],
  ['words for numbers', { body: body('[{"embedding":["a"]}]') }, 'answers a vector that is none'],
  ['nothing for a vector', { body: body('[null]') }, 'answers a vector that is none'],
  ['a vector of zeros', { body: body('[{"embedding":[0,0,0,0,0,0,0,0]}]') }, 'without a direction'],
  ['another length', { body: body('[{"embedding":[1,2]}]') }, 'answers vectors of 2 numbers, not of 8'],
  ['more than can be', { body: ' '.repeat(9 * 1024 * 1024) }, 'answers more than'],
] as const)('%s: says why, and is not asked again at once', async (_, answers, reason) => {
  await using endpoint = await fakeEndpoint();
  endpoint.answers = answers;
  const embedder = createEndpoint({ url: endpoint.url, model: 'small', apiKey: KEY, dim: 8 });
  const first = await failure(embedder.embed(['ship it'], 'query'));
  expect(first.message).toContain(reason);
  expect(first.ofTexts).toBe(false);
  const second = await failure(embedder.embed(['ship it'], 'query'));
  expect([second.message, endpoint.asked.length]).toEqual([first.message, 1]);
  expect(second.retryAfter).toBeLessThanOrEqual(1_000);
  await embedder.close();
});

test('it is asked again after a second, and heals', async () => {
  await using endpoint = await fakeEndpoint();
  endpoint.answers = { status: 503 };
  const embedder = createEndpoint({ url: endpoint.url, model: 'small' });
  await failure(embedder.embed(['ship it'], 'query'));
  endpoint.answers = undefined;
  await expect.poll(() => embedder.embed(['ship it'], 'query').catch(() => []), { timeout: 10_000 }).toHaveLength(1);
  expect(endpoint.asked).toHaveLength(2);
  await embedder.close();
});

test('it waits as long as the endpoint says', async () => {
  await using endpoint = await fakeEndpoint();
  endpoint.answers = { status: 429, headers: { 'retry-after': '30' } };
  const embedder = createEndpoint({ url: endpoint.url, model: 'small' });
  expect((await failure(embedder.embed(['x'], 'query'))).retryAfter).toBe(30_000);
  expect((await failure(embedder.embed(['x'], 'query'))).retryAfter).toBeGreaterThan(29_000);
});

test('what blames the texts stops no other text', async () => {
  await using endpoint = await fakeEndpoint();
  endpoint.answers = { status: 400 };
  const embedder = createEndpoint({ url: endpoint.url, model: 'small' });
  expect((await failure(embedder.embed(['x'], 'background'))).ofTexts).toBe(true);
  endpoint.answers = undefined;
  expect(await embedder.embed(['y'], 'background')).toHaveLength(1);
});

test('an endpoint that never answers, or is not there, fails in time', async () => {
  await using endpoint = await fakeEndpoint();
  endpoint.answers = 'never';
  const slow = createEndpoint({ url: endpoint.url, model: 'small', timeouts: { query: 100, background: 100 } });
  expect((await failure(slow.embed(['x'], 'query'))).message).toContain('does not answer in time');

  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  const gone = createEndpoint({ url: `http://127.0.0.1:${port}/v1`, model: 'small' });
  expect((await failure(gone.embed(['x'], 'query'))).message).toContain('cannot be reached (ECONNREFUSED)');
});

test('closing ends what is asked', async () => {
  await using endpoint = await fakeEndpoint();
  endpoint.answers = 'never';
  const embedder = createEndpoint({ url: endpoint.url, model: 'small' });
  const asked = failure(embedder.embed(['x'], 'background'));
  await expect.poll(() => endpoint.asked.length).toBe(1);
  await embedder.close();
  await asked;
});
