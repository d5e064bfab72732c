import type { Worker } from 'node:worker_threads';
import { Refusal } from '../kernel/errors.ts';
import type { Search, SearchAnswer, SearchStatus } from '../kernel/search.ts';
import type { RemakeProgress } from '../store/follower.ts';
import { startThread } from '../store/threads.ts';
import { parseResume } from './position.ts';
import type { Asked, Failure, Question, Reply, ThreadData, Told } from './protocol.ts';
import { hasModel } from './semantic/models.ts';
import { isPosition, parsePosition } from './semantic/position.ts';

export interface SearchOptions extends ThreadData {
  /** Fulfilled when the index holds what was acknowledged. Rejected with Refusal `index_unavailable`. */
  indexed(): Promise<void>;
  /** Events that the index holds, of how many. */
  status(): { indexed: number; head: number };
  /** Makes the words of everything anew. */
  remake(onProgress: (progress: RemakeProgress) => void): Promise<void>;
}

/** Milliseconds after the start until documents are looked at for their meaning. */
const BEGIN_MS = 1_000;
/** Milliseconds after which a thread that stopped is started again though nobody searches. */
const AGAIN_MS = 5_000;
/** Seconds after which a search that failed may succeed. */
const RETRY = 1;

interface Waiting {
  resolve(value: unknown): void;
  reject(error: unknown): void;
}

/** A search that may begin to give things a meaning before anybody searches. */
export interface OpenedSearch extends Search {
  begin(): void;
}

/**
 * Searches on a thread of its own with its own connection to the index: it is started by the first search, or where
 * there is a model, by {@link OpenedSearch.begin}.
 */
export function openSearch(options: SearchOptions): OpenedSearch {
  const { file, documents, vectors, embeddings, indexed, status, remake } = options;
  const models = hasModel(embeddings);
  const waiting = new Map<number, Waiting>();
  let thread: Worker | undefined;
  let jobs = 0;
  let error: string | undefined;
  let meaningError: string | undefined;
  let remaking: { progress: RemakeProgress; over: Promise<void> } | undefined;
  let remakeError: string | undefined;
  let closing: Promise<void> | undefined;
  let beginning: NodeJS.Timeout | undefined;

  function start(): Worker {
    const started = startThread(import.meta.url, 'thread', {
      file,
      documents,
      vectors,
      embeddings,
    } satisfies ThreadData);
    started.on('message', (reply: Reply | Told) => {
      if ('meaning' in reply) {
        meaningError = reply.meaning;
        return;
      }
      const asked = waiting.get(reply.job);
      waiting.delete(reply.job);
      if ('failure' in reply) asked?.reject(errorOf(reply.failure));
      else {
        error = undefined;
        asked?.resolve(reply.value);
      }
    });
    // It is started again by the next search.
    started.on('error', ({ message }) => lost(started, `its thread stopped: ${message}`));
    started.on('exit', (code) => lost(started, `its thread ended with ${code}`));
    return started;
  }

  /** Things are given a meaning also where nobody searches. */
  function begin(ms: number): void {
    clearTimeout(beginning);
    if (models && closing === undefined) beginning = setTimeout(() => (thread ??= start()), ms).unref();
  }

  function lost(which: Worker, why: string): void {
    if (thread !== which) return;
    thread = undefined;
    meaningError = undefined;
    begin(AGAIN_MS);
    if (closing === undefined) error = why;
    for (const { reject } of waiting.values()) reject(unavailable(why));
    waiting.clear();
  }

  function errorOf(failure: Failure): Error {
    if (failure.is === 'refusal') return new Refusal(failure.code, failure.detail, failure.options);
    error = failure.message;
    if (failure.is === 'file') return unavailable(failure.message);
    return Object.assign(new Error(failure.message), { stack: failure.stack });
  }

  async function ask<Name extends keyof Asked>(
    name: Name,
    of: Parameters<Asked[Name]>[0],
  ): Promise<Awaited<ReturnType<Asked[Name]>>> {
    if (closing) throw new Refusal('shutting_down', 'The server is stopping.');
    thread ??= start();
    const job = jobs++;
    const answer = new Promise<unknown>((resolve, reject) => waiting.set(job, { resolve, reject }));
    thread.postMessage({ job, ask: name, of } as Question);
    return (await answer) as Awaited<ReturnType<Asked[Name]>>;
  }

  async function end(): Promise<void> {
    clearTimeout(beginning);
    const running = thread;
    if (running === undefined) return;
    const ended = new Promise((resolve) => running.once('exit', resolve));
    running.postMessage('close');
    await ended;
  }

  return {
    async find(request): Promise<SearchAnswer> {
      if (request.after !== undefined) (isPosition(request.after) ? parsePosition : parseResume)(request.after);
      await indexed();
      return ask('find', request);
    },
    async similar(text, kind, agent) {
      if (!models) return [];
      await indexed();
      return ask('similar', { text, kind, agent });
    },
    async status(): Promise<SearchStatus> {
      return {
        messages: status(),
        ...(remaking && { reindexing: remaking.progress }),
        semantic: models ? await ask('status', null) : { model: null, indexed: 0, pending: 0 },
      };
    },
    reindex() {
      if (remaking) return remaking.over;
      const begun = { progress: { done: 0, total: 0 }, over: Promise.resolve() };
      remaking = begun;
      remakeError = undefined;
      begun.over = remake(({ done, total }) => (begun.progress = { done, total }))
        .catch((fault: Error) => {
          remakeError = `the words could not be made anew: ${fault.message}`;
          throw unavailable(remakeError);
        })
        .finally(() => (remaking = undefined));
      return begun.over;
    },
    get error() {
      return error ?? remakeError ?? (meaningError && `by meaning: ${meaningError}`);
    },
    // The start of the server goes first.
    begin: () => begin(BEGIN_MS),
    close: () => (closing ??= end()),
  };
}

function unavailable(why: string): Refusal {
  return new Refusal('index_unavailable', `The search failed: ${why}.`, { retryAfter: RETRY });
}
