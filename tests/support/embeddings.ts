import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { SearchKind, SearchRequest } from '../../src/kernel/search.ts';
import { EMBEDDABLE_SCHEMA } from '../../src/search/rows-schema.ts';
import { type Embedder, type EmbeddingFailed, normalised, type Priority } from '../../src/search/semantic/embedder.ts';
import type { Models } from '../../src/search/semantic/models.ts';
import { Semantic, type SemanticOptions } from '../../src/search/semantic/semantic.ts';
import { openDatabase } from '../../src/store/sqlite.ts';
import { temporaryDirectory } from './directory.ts';

/** Words that mean the same, for models of tests: each line is a direction. */
const SENSES = [
  ['deploy', 'release', 'ship', 'rollout'],
  ['outage', 'incident', 'down', 'broken'],
  ['night', 'evening', 'late'],
  ['database', 'sqlite', 'storage'],
  ['tea', 'coffee', 'drink'],
  ['cat', 'dog', 'animal'],
];

/** What a model of tests knows of a text: how often it names each sense, and a little of everything. */
export function senseOf(text: string, dim = 8): number[] {
  const words = text.toLowerCase().match(/[a-z]+/g) ?? [];
  const senses = SENSES.map((sense) => words.filter((word) => sense.includes(word)).length);
  return Array.from({ length: dim }, (_, i) => (senses[i] ?? 0) + 0.01);
}

export interface TestModel extends Embedder {
  /** What it was asked, in order. */
  asked: { texts: readonly string[]; priority: Priority }[];
  /** Why it fails now. */
  failure: EmbeddingFailed | undefined;
  /** What it waits for before it answers. */
  gate: Promise<void> | undefined;
  closed: boolean;
}

export function testModel(model = 'senses', dim = 8): TestModel {
  const it: TestModel = {
    model,
    dim,
    batch: 4,
    asked: [],
    failure: undefined,
    gate: undefined,
    closed: false,
    async embed(texts, priority) {
      it.asked.push({ texts, priority });
      await it.gate;
      if (it.failure) throw it.failure;
      return texts.map((text) => normalised(senseOf(text, dim)));
    },
    async close() {
      it.closed = true;
    },
  };
  return it;
}

/** These models, of which the first is set. */
export function modelsOf(...all: Embedder[]): Models {
  return { set: all[0], none: 'no model is set', named: (name) => all.find(({ model }) => model === name) };
}

export interface Embeddable {
  kind: SearchKind;
  row: number;
  text: string;
  id?: string;
  readers?: string[];
  place?: object;
  at?: number;
}

/** An index that holds embeddable documents and nothing else, and what finds them by meaning. */
export function openMeaning(dir: string, options: Partial<Omit<SemanticOptions, 'index'>> = {}) {
  const index = openDatabase(join(dir, 'embeddable.sqlite'));
  if (index.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'embeddable'").get() === undefined)
    index.exec(EMBEDDABLE_SCHEMA);
  const insert = index.prepare('INSERT OR REPLACE INTO embeddable VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)');
  let { changed } = index.prepare('SELECT coalesce(max(changed), 0) AS changed FROM embeddable').get() as {
    changed: number;
  };
  const open = (more: Partial<Omit<SemanticOptions, 'index'>> = {}) =>
    new Semantic({
      index,
      file: join(dir, 'vectors.sqlite'),
      models: modelsOf(testModel()),
      restMs: 1,
      patienceMs: 2_000,
      ...options,
      ...more,
    });
  const request = (queries: string | string[], more: Partial<SearchRequest> = {}): SearchRequest => ({
    queries: [queries].flat(),
    in: ['memory', 'tasks', 'decisions'],
    mode: 'hybrid',
    agent: undefined,
    filter: {},
    sort: 'relevance',
    limit: 10,
    ...more,
  });
  return {
    index,
    semantic: open(),
    reopen: open,
    request,
    put(...docs: Embeddable[]) {
      changed++;
      for (const { kind, row, text, id = `${kind}-${row}`, readers, place = {}, at = row } of docs)
        insert.run(
          kind,
          row,
          id,
          text === '' ? '' : `hash of ${text}`,
          text,
          readers ? JSON.stringify(readers) : null,
          JSON.stringify(place),
          at,
          changed,
        );
    },
  };
}

export type Meaning = ReturnType<typeof openMeaning>;

/** The same in a directory of its own, gone at the end. */
export function givenMeaning(options: Partial<Omit<SemanticOptions, 'index'>> = {}): Meaning & AsyncDisposable {
  const temp = temporaryDirectory();
  const meaning = openMeaning(temp.path, options);
  return Object.assign(meaning, {
    async [Symbol.asyncDispose]() {
      await meaning.semantic.close();
      meaning.index.close();
      temp[Symbol.dispose]();
    },
  });
}

export interface Endpoint extends AsyncDisposable {
  /** As EMBEDDINGS_URL has it. */
  url: string;
  /** What it was asked, in order. */
  asked: { authorization: string | undefined; model: string; input: string[]; dimensions?: number }[];
  /** How it answers instead of with vectors: a status, headers and a body, or never. */
  answers: { status?: number; headers?: Record<string, string>; body?: string } | 'never' | undefined;
  dim: number;
}

/** An embeddings API on this machine that speaks as OpenAI's does. */
export async function fakeEndpoint(port = 0): Promise<Endpoint> {
  const server = createServer(async (request, response) => {
    const asked = JSON.parse(await textOf(request)) as Endpoint['asked'][number];
    it.asked.push({ ...asked, authorization: request.headers.authorization });
    if (it.answers === 'never') return;
    const { status = 200, headers = {}, body } = it.answers ?? {};
    // Not in the order of the texts, as the API allows.
    const data = asked.input.map((text, index) => ({ index, embedding: senseOf(text, it.dim) })).reverse();
    response.writeHead(status, { 'content-type': 'application/json', ...headers });
    response.end(body ?? JSON.stringify({ object: 'list', data }));
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  const it: Endpoint = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    asked: [],
    answers: undefined,
    dim: 8,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return it;
}

async function textOf(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const part of request) text += String(part);
  return text;
}
