import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { pino } from 'pino';
import type { Node } from '../src/node.ts';
import type { HistorySpec } from '../src/store/schema.ts';
import type { Check, Result, Settings, Table } from './support/benchmark.ts';
import { built } from './support/built.ts';
import { temporaryDirectory } from './support/directory.ts';
import { httpLoad, postRequest } from './support/http-load.ts';
import { type MeasuredLoad, measureLoad } from './support/measured-load.ts';
import { assertStored, startServer } from './support/server.ts';
import { messageSpoken, QUIET, RARE, spokenText } from './support/spoken.ts';
import { figure, median, quantile, ratio } from './support/statistics.ts';

const P99_MS = 30;
const LOOP_MS = 5;
const FASTER = 50;
const POST_RATIO = 0.85;
const INDEXING_US = 40;
const SCANNED = 100_000;

/** What is asked: several ways, in turn. A space at the end: the last word is no beginning. */
const CLASSES: Record<string, readonly Record<string, string>[]> = {
  'a rare word': [{ q: `${RARE} ` }],
  'a common word': ['deploy ', 'build ', 'test ', 'green '].map((q) => ({ q })),
  'three words': ['deploy staging merge ', 'memory agent task ', 'green review branch '].map((q) => ({ q })),
  'a common word, newest first': ['deploy ', 'build '].map((q) => ({ q, sort: 'newest' })),
  'a common word of one sender in one channel': [{ q: 'deploy ', from: 'link', channel: 'general' }],
  'a common word in a quiet channel': [{ q: 'deploy ', channel: QUIET }],
  'a phrase': ['"deploy build"', 'TASK-193 ', '"green staging"'].map((q) => ({ q })),
  'a beginning': ['dep', 'gre', 'stag', 'TASK-19'].map((q) => ({ q })),
  'a word and not another': [{ q: 'deploy -build ' }],
  'any of the words': [{ q: `deploy ${RARE} unheard-of ` }],
};

type Find = (input: Record<string, string>) => Promise<number>;

/** A node in this process, whose loop can be watched, and how it is asked. */
async function openNode(dir: string, operation = 'search.find'): Promise<{ node: Node; find: Find }> {
  const { startNode } = await built.node();
  const { readConfig } = await built.config();
  const config = readConfig({ PORT: '0', DATA_DIR: dir, EMBEDDINGS: 'none' });
  const node = await startNode({ config, logger: pino({ level: 'silent' }) });
  const find: Find = async (input) => {
    const given =
      operation === 'search.find' ? { in: 'messages', mode: 'lexical', ...input } : { limit: '20', ...input };
    const { value } = await node.kernel.call(operation, given, {});
    const { results, messages } = value as { results?: unknown[]; messages?: unknown[] };
    // As a door does.
    JSON.stringify(value);
    return (results ?? messages ?? []).length;
  };
  return { node, find };
}

async function times(find: Find, asked: readonly Record<string, string>[], n: number): Promise<number[]> {
  const all: number[] = [];
  for (let i = 0; i < n; i++) {
    const began = performance.now();
    const found = await find(asked[i % asked.length] as Record<string, string>);
    all.push(performance.now() - began);
    if (found === 0) throw new Error(`nothing is found by ${JSON.stringify(asked[i % asked.length])}`);
  }
  return all;
}

/** Searches of every class in a long history, and how long the main loop is held up meanwhile. */
async function byClass({ quick, histories }: Settings): Promise<{ checks: Check[]; table: Table }> {
  const many = quick ? 50_000 : 1_000_000;
  const { dir } = await histories.of(many, messageSpoken);
  const { node, find } = await openNode(dir);
  const checks: Check[] = [];
  const rows: string[][] = [];
  try {
    for (const asked of Object.values(CLASSES)) await times(find, asked, 10);
    for (const [name, asked] of Object.entries(CLASSES)) {
      const delay = monitorEventLoopDelay({ resolution: 1 });
      delay.enable();
      const took = await times(find, asked, quick ? 100 : 400);
      delay.disable();
      const p99 = quantile(took, 0.99);
      // The timer itself comes every millisecond.
      const held = delay.percentile(99) / 1e6 - 1;
      checks.push(bounded(`${name} at ${figure(many)} messages, p99`, p99, P99_MS, 'ms'));
      checks.push(bounded(`the main loop meanwhile (${name}), p99`, held, LOOP_MS, 'ms'));
      rows.push([name, figure(quantile(took, 0.5)), figure(p99), figure(held)]);
    }
  } finally {
    await node.close();
  }
  return {
    checks,
    table: {
      title: `GET /search at ${figure(many)} messages`,
      head: ['what is asked', 'p50 ms', 'p99 ms', 'main loop p99 ms'],
      rows,
    },
  };
}

function bounded(what: string, measured: number, bound: number, unit: string): Check {
  return { what, bound: `≤ ${bound} ${unit}`, measured: `${figure(measured)} ${unit}`, reached: measured <= bound };
}

/** Against looking through every text, as the first reflectt-node did: on the same route, the newest 20 that match. */
async function againstScan({ histories }: Settings): Promise<{ checks: Check[]; table: Table }> {
  const { dir } = await histories.of(SCANNED, messageSpoken);
  const { node, find } = await openNode(dir, 'messages.search');
  const messages = Array.from({ length: SCANNED }, (_, i) => ({ content: spokenText(i + 1) }));
  const scan = (text: string) => messages.filter(({ content }) => content.toLowerCase().includes(text)).slice(-20);
  const rows: string[][] = [];
  const checks: Check[] = [];
  try {
    for (const [name, input, isBound] of [
      ['a rare word', { q: `${RARE} ` }, true],
      ['a common word', { q: 'deploy ' }, true],
      ['a common word, the best first', { q: 'deploy ', sort: 'relevance' }, false],
    ] as const) {
      await times(find, [input], 50);
      const rounds: { scan: number; search: number }[] = [];
      for (let round = 0; round < 15; round++) {
        const began = performance.now();
        if (scan(input.q.trim()).length === 0) throw new Error('the scan finds nothing');
        rounds.push({ scan: performance.now() - began, search: median(await times(find, [input], 20)) });
      }
      const faster = median(rounds.map((each) => each.scan / each.search));
      const check = {
        what: `GET /chat/search for ${name} at ${figure(SCANNED)} messages`,
        bound: `≥ ${FASTER}× faster than a scan of all texts`,
        measured: ratio(faster),
        reached: faster >= FASTER,
      };
      if (isBound) checks.push(check);
      rows.push([
        name,
        ...(['scan', 'search'] as const).map((key) => figure(median(rounds.map((each) => each[key])))),
        ratio(faster),
      ]);
    }
  } finally {
    await node.close();
  }
  const head = ['what is asked', 'scan ms', 'search ms', 'faster'];
  return {
    checks,
    table: { title: `GET /chat/search against a scan of ${figure(SCANNED)} texts in memory`, head, rows },
  };
}

/** Microseconds of CPU that the writer takes for the words of a message, in transactions as they come under load. */
async function wordsCost({ quick }: Settings): Promise<{ cost: number; words: number }> {
  const many = quick ? 10_000 : 30_000;
  const docs = Array.from({ length: many }, (_, i) => ({
    ...(messageSpoken(i + 1, i + 1).data as unknown as Spoken),
    seq: i + 1,
  }));
  const costs: number[] = [];
  for (let round = 0; round < 5; round++) costs.push((await writeAll(docs, true)) - (await writeAll(docs, false)));
  const { tokensOf } = await built.tokens();
  const words = docs.reduce((sum, { content }) => sum + tokensOf(content).length, 0) / many;
  return { cost: median(costs), words };
}

interface Spoken {
  id: string;
  content: string;
}

const AT_ONCE = 125;

async function writeAll(docs: readonly Spoken[], withWords: boolean): Promise<number> {
  using directory = temporaryDirectory();
  const { createStatements, planOf } = await built.schema();
  const { openDatabase } = await built.sqlite();
  const { rowsPlan } = await built.rowsPlan();
  const { follow } = await built.rows();
  const { capabilities } = await built.capabilities();
  const specs = capabilities.flatMap(({ collections }) => [...collections]);
  const plan = rowsPlan(new URL('../dist/capabilities/documents.js', import.meta.url).href);
  const database = openDatabase(join(directory.path, 'index.sqlite'));
  database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA cache_size = -16384');
  database.exec(createStatements(specs, plan.schema));
  const follower = await follow(database, plan.data as never);
  const put = database.prepare(planOf(specs.find(({ name }) => name === 'messages') as HistorySpec).upsert);
  const before = process.cpuUsage();
  for (let i = 0; i < docs.length; i += AT_ONCE) {
    const some = docs.slice(i, i + AT_ONCE);
    database.exec('BEGIN IMMEDIATE');
    if (withWords) follower.change({ collection: 'messages', ids: some.map(({ id }) => id), docs: some }, i);
    for (const doc of some) put.run(doc.id, JSON.stringify(doc));
    database.exec('COMMIT');
  }
  const { user, system } = process.cpuUsage(before);
  database.close();
  return (user + system) / docs.length;
}

/** What posting costs with the words and without. */
async function indexing(settings: Settings): Promise<{ checks: Check[]; table: Table }> {
  const { quick } = settings;
  const { cost, words } = await wordsCost(settings);
  using withWords = temporaryDirectory();
  using without = temporaryDirectory();
  await using indexed = await startServer({ dir: withWords.path });
  await using bare = await startServer({ program: 'bench/unindexed.js', dir: without.path });
  const sides = [
    { server: indexed, answered: 0 },
    { server: bare, answered: 0 },
  ];
  const run = async (side: (typeof sides)[number], ms: number): Promise<MeasuredLoad> => {
    const { port, pid } = side.server;
    const request = postRequest(port, '/chat/messages', {
      from: 'link',
      channel: 'general',
      content: spokenText(4_711),
    });
    const load = await measureLoad(pid, () => httpLoad(port, request, 16, ms));
    side.answered += load.responses;
    return load;
  };
  for (const side of sides) await run(side, quick ? 700 : 3_000);
  const runs: { indexed: MeasuredLoad; bare: MeasuredLoad }[] = [];
  const [first, second] = sides as [(typeof sides)[number], (typeof sides)[number]];
  for (let round = 0; round < (quick ? 5 : 11); round++)
    runs.push({ indexed: await run(first, 1_000), bare: await run(second, 1_000) });
  const share = median(runs.map((each) => each.indexed.rate / each.bare.rate));
  await assertStored(first.server, first.answered);
  await assertStored(second.server, second.answered);
  const row = (name: 'indexed' | 'bare') =>
    (['rate', 'p50', 'p99', 'cpu', 'mainCpu'] as const).map((key) =>
      figure(median(runs.map((each) => each[name][key]))),
    );
  return {
    checks: [
      {
        what: 'durable POST with its words written, 16 connections',
        bound: `≥ ${POST_RATIO}× the rate without`,
        measured: ratio(share),
        reached: share >= POST_RATIO,
      },
      bounded(`CPU to write the words of a message (${figure(words)} of them)`, cost, INDEXING_US, 'µs'),
    ],
    table: {
      title: 'POST /chat/messages, 16 connections',
      head: ['', 'requests/s', 'p50 ms', 'p99 ms', 'CPU µs/request', 'of it main thread'],
      rows: [
        ['words are written', ...row('indexed')],
        ['nothing can be searched', ...row('bare')],
      ],
    },
  };
}

/** Finding by words: in a million messages, against a scan, and what writing the words costs. */
export async function search(settings: Settings): Promise<Result> {
  const parts = [await byClass(settings), await againstScan(settings), await indexing(settings)];
  return { checks: parts.flatMap(({ checks }) => checks), tables: parts.map(({ table }) => table) };
}
