import { createHash, randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { Check, Result, Settings } from './support/benchmark.ts';
import { built } from './support/built.ts';
import { temporaryDirectory } from './support/directory.ts';
import { readSearchSet, type SetQuery } from './support/search-set.ts';
import { type Server, startServer } from './support/server.ts';
import { figure, median, quantile } from './support/statistics.ts';

const MODEL = 'minilm-l6-v2';
const DIMENSIONS = 384;
const PARAPHRASES = 0.5;
const IDENTIFIERS = 0.93;
const EMBEDDING_MS = 40;
const SEARCH_MS = 60;
const MEMORIES = 10_000;

interface Answer {
  results: { memory: { id: string } }[];
  mode: string;
  degraded?: string;
}

async function call<T>({ port }: Pick<Server, 'port'>, path: string, body?: object): Promise<T> {
  const response = await fetch(`http://127.0.0.1:${port}${path}`, {
    method: body === undefined ? 'GET' : 'POST',
    headers: body === undefined ? {} : { 'content-type': 'application/json' },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  if (response.status !== 200) throw new Error(`${path} answers ${response.status}: ${await response.text()}`);
  return (await response.json()) as T;
}

/** Writes memories; answers their ids in order. */
async function remember(server: Server, texts: readonly string[]): Promise<string[]> {
  const ids: string[] = [];
  for (const content of texts) {
    const memory = { agent: 'kai', content, similar: false };
    const answer = await call<{ memory: { id: string } }>(server, '/memories', memory);
    ids.push(answer.memory.id);
  }
  return ids;
}

async function embedded(server: Server, count: number): Promise<void> {
  for (let tries = 0; ; tries++) {
    const { semantic } = await call<{ semantic: { indexed: number; pending: number; error?: string } }>(
      server,
      '/search/status',
    );
    if (semantic.indexed === count && semantic.pending === 0) return;
    if (semantic.error !== undefined || tries > 6_000) throw new Error(`not embedded: ${JSON.stringify(semantic)}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

async function find(server: Server, query: string, mode: string, limit = 5): Promise<string[]> {
  const path = `/memories/search?mode=${mode}&limit=${limit}&q=${encodeURIComponent(query)}`;
  const answer = await call<Answer>(server, path);
  if (answer.mode !== mode || answer.degraded !== undefined) throw new Error(`found by ${JSON.stringify(answer)}`);
  return answer.results.map(({ memory }) => memory.id);
}

/** Shares of the queries whose document comes first, and is among the first five. */
async function recall(server: Server, queries: readonly SetQuery[], ids: ReadonlyMap<string, string>, mode: string) {
  let [first, five] = [0, 0];
  for (const { query, document } of queries) {
    const at = (await find(server, query, mode)).indexOf(ids.get(document) as string);
    if (at === 0) first++;
    if (at !== -1) five++;
  }
  return { first: first / queries.length, five: five / queries.length };
}

/** The evaluation set, as memories that are asked for over HTTP. */
async function quality(): Promise<Result> {
  const set = readSearchSet();
  using directory = temporaryDirectory();
  await using server = await startServer({ dir: directory.path, env: { EMBEDDINGS: 'minilm' } });
  const made = await remember(
    server,
    set.documents.map(({ text }) => text),
  );
  const ids = new Map(set.documents.map(({ id }, i) => [id, made[i] as string]));
  await embedded(server, set.documents.length);
  const classes = { paraphrases: set.paraphrases, keywords: set.keywords, identifiers: set.identifiers };
  const rows: string[][] = [];
  const reached: Record<string, { first: number; five: number }> = {};
  for (const [name, queries] of Object.entries(classes)) {
    const row = [`${queries.length} ${name}`];
    for (const mode of ['lexical', 'semantic', 'hybrid']) {
      const { first, five } = await recall(server, queries, ids, mode);
      row.push(`${first.toFixed(2)} / ${five.toFixed(2)}`);
      if (mode === 'hybrid') reached[name] = { first, five };
    }
    rows.push(row);
  }
  await server.end();
  const check = (what: string, value = 0, bound = 0): Check => ({
    what,
    bound: `≥ ${bound}`,
    measured: value.toFixed(3),
    reached: value >= bound,
  });
  return {
    checks: [
      check('paraphrases without a common word, recall@5', reached.paraphrases?.five, PARAPHRASES),
      check('keywords, recall@1', reached.keywords?.first, 1),
      check('identifiers, recall@1', reached.identifiers?.first, IDENTIFIERS),
    ],
    tables: [
      {
        title: `Finding one of ${set.documents.length} memories: recall@1 / recall@5`,
        head: ['queries', 'words', 'meaning', 'both'],
        rows,
      },
    ],
  };
}

/** The model alone, in the thread that the server gives it, one question after another. */
async function embedding(n: number): Promise<Result> {
  const { createMinilm } = await built.minilm();
  const model = createMinilm({});
  const queries = readSearchSet().paraphrases.slice(0, n);
  await model.embed(['ready'], 'query');
  const times: number[] = [];
  for (const { query } of queries) {
    const began = performance.now();
    await model.embed([query], 'query');
    times.push(performance.now() - began);
  }
  await model.close();
  const p50 = median(times);
  return {
    checks: [
      {
        what: 'a query embedded, p50',
        bound: `≤ ${EMBEDDING_MS} ms`,
        measured: `${figure(p50)} ms`,
        reached: p50 <= EMBEDDING_MS,
      },
    ],
    tables: [
      {
        title: 'One query embedded by the local model, ms',
        head: ['p50', 'p99'],
        rows: [[figure(p50), figure(quantile(times, 0.99))]],
      },
    ],
  };
}

/** Vectors of chance for what the index holds: what they say changes nothing of how long it takes to compare them. */
async function inventVectors(dir: string): Promise<void> {
  const { openDatabase } = await built.sqlite();
  const { openVectorFile } = await built.vectors();
  const index = openDatabase(join(dir, 'index.sqlite'), { readOnly: true });
  const hashes = index.prepare("SELECT DISTINCT hash FROM embeddable WHERE hash <> ''").all() as { hash: string }[];
  index.close();
  const file = openVectorFile(join(dir, 'vectors.sqlite'));
  const stored = hashes.map(({ hash }) => {
    const vector = Float32Array.from(randomBytes(DIMENSIONS), (byte) => byte - 127.5);
    const length = Math.hypot(...vector);
    return { hash, vector: vector.map((x) => x / length) };
  });
  if (!file.put(MODEL, stored)) throw new Error(file.error);
  file.close();
}

/** Words of the set in other orders, none twice. */
function inventTexts(count: number): string[] {
  const words = readSearchSet().documents.flatMap(({ text }) => text.split(' '));
  const at = (i: number, k: number) => createHash('sha256').update(`${i} ${k}`).digest().readUInt32LE();
  return Array.from({ length: count }, (_, i) => {
    const text = Array.from({ length: 16 }, (_, k) => words[at(i, k) % words.length]);
    return `${text.join(' ')} ${i}`;
  });
}

/** From the request to the answer, each query a new one: its embedding is in it. */
async function speed(memories: number, n: number): Promise<Result> {
  using directory = temporaryDirectory();
  const dir = directory.path;
  {
    await using server = await startServer({ dir });
    await remember(server, inventTexts(memories));
    // What was acknowledged is in the index when it is asked for.
    await call(server, '/memories/search?q=anything&mode=lexical');
    await server.end();
  }
  await inventVectors(dir);
  await using server = await startServer({ dir, env: { EMBEDDINGS: 'minilm' } });
  await embedded(server, memories);
  // The model is loaded by the first question, which may be answered by words meanwhile.
  while ((await call<Answer>(server, '/memories/search?q=awake&mode=hybrid')).mode !== 'hybrid');
  const times: number[] = [];
  for (const { query } of readSearchSet().paraphrases.slice(0, n)) {
    const began = performance.now();
    await find(server, query, 'hybrid', 10);
    times.push(performance.now() - began);
  }
  await server.end();
  const p50 = median(times);
  return {
    checks: [
      {
        what: `${figure(memories)} memories searched by both, p50 from request to answer`,
        bound: `≤ ${SEARCH_MS} ms`,
        measured: `${figure(p50)} ms`,
        reached: p50 <= SEARCH_MS,
      },
    ],
    tables: [
      {
        title: 'Memories searched by words and meaning over HTTP, ms',
        head: ['memories', 'p50', 'p99'],
        rows: [[figure(memories), figure(p50), figure(quantile(times, 0.99))]],
      },
    ],
  };
}

/** Search with the model that is shipped: what it finds, and how soon. */
export async function meaning({ quick }: Settings): Promise<Result> {
  const n = quick ? 40 : 150;
  const results = [await quality(), await embedding(n), await speed(quick ? 1_000 : MEMORIES, n)];
  return { checks: results.flatMap(({ checks }) => checks), tables: results.flatMap(({ tables }) => tables) };
}
