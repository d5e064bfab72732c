import type { Worker } from 'node:worker_threads';
import { startThread } from '../../store/threads.ts';
import { backOff, type Embedder, EmbeddingFailed, normalised, type Priority } from './embedder.ts';
import { type ModelFiles, minilmFiles } from './minilm-files.ts';
import type { TextDone, TextJob } from './minilm-worker.ts';

export const MINILM = 'minilm-l6-v2';
const DIMENSIONS = 384;
/** The model reads 256 tokens; what comes long after them need not be carried to it. */
const CHARACTERS = 4_000;
/** Milliseconds without work after which its 230 MB are given back. */
const IDLE_MS = 5 * 60_000;

export interface MinilmOptions {
  files?: ModelFiles | undefined;
  /** Starts the thread that runs the model. */
  start?: (files: ModelFiles) => Worker;
  idleMs?: number;
}

interface Wanted {
  text: string;
  resolve: (vector: Float32Array) => void;
  reject: (error: unknown) => void;
}

const startModel = (files: ModelFiles) => startThread(import.meta.url, 'minilm-worker', files);

/**
 * all-MiniLM-L6-v2 in one thread of its own: started at first need, ended when nobody needs it, started again after it
 * broke. It is given one text at a time, so that a question waits for one text of the background at most.
 */
export function createMinilm(options: MinilmOptions): Embedder {
  const { start = startModel, idleMs = IDLE_MS } = options;
  const files = 'files' in options ? options.files : minilmFiles();
  const waiting: Record<Priority, Wanted[]> = { query: [], background: [] };
  let worker: Worker | undefined;
  let ready = false;
  let current: (Wanted & { job: number }) | undefined;
  let jobs = 0;
  let failures = 0;
  let broken: { until: number; reason: string } | undefined;
  let idle: NodeJS.Timeout | undefined;
  let closed = false;

  function fail(reason: string): void {
    failures++;
    broken = { until: Date.now() + backOff(failures), reason };
    const retryAfter = backOff(failures);
    current?.reject(new EmbeddingFailed(reason, { retryAfter, ofTexts: 'perhaps' }));
    current = undefined;
    const error = new EmbeddingFailed(reason, { retryAfter });
    for (const list of Object.values(waiting)) for (const { reject } of list.splice(0)) reject(error);
  }

  /** Forgets the thread, which may live on for a moment; what it says from now on is not heard. */
  function letGo(): void {
    const ended = worker;
    worker = undefined;
    ready = false;
    ended?.removeAllListeners();
    ended?.on('error', () => {});
    void ended?.terminate();
  }

  function begin(model: ModelFiles): void {
    worker = start(model);
    worker.on('message', (done: TextDone) => {
      if ('ready' in done) ready = true;
      else settle(done);
      next();
    });
    worker.on('error', (error) => {
      letGo();
      fail(error.name === 'EmbeddingFailed' ? error.message : `the local model stopped: ${error.message}`);
    });
    worker.on('exit', (code) => {
      letGo();
      fail(`the local model stopped with ${code}`);
    });
  }

  function settle(done: Exclude<TextDone, { ready: true }>): void {
    const wanted = current;
    current = undefined;
    if (wanted === undefined || wanted.job !== done.job) return;
    failures = 0;
    if ('error' in done)
      wanted.reject(new EmbeddingFailed(`the local model refuses a text: ${done.error}`, { ofTexts: true }));
    else {
      try {
        wanted.resolve(normalised(done.vector));
      } catch (error) {
        wanted.reject(error);
      }
    }
  }

  function next(): void {
    clearTimeout(idle);
    if (closed || current !== undefined) return;
    const queue = waiting.query.length > 0 ? waiting.query : waiting.background;
    const [wanted] = queue;
    if (wanted === undefined) {
      if (worker && ready) idle = setTimeout(letGo, idleMs).unref();
      return;
    }
    if (worker === undefined) {
      if (files === undefined) return fail('the packages of the local model are not installed');
      if (broken && Date.now() < broken.until) return refuse(broken.reason);
      begin(files);
    }
    if (!ready) return;
    queue.shift();
    current = { ...wanted, job: ++jobs };
    worker?.postMessage({ job: jobs, text: wanted.text } satisfies TextJob);
  }

  /** It broke a moment ago: nobody is kept waiting for the next try. */
  function refuse(reason: string): void {
    const error = new EmbeddingFailed(reason, { retryAfter: (broken?.until ?? 0) - Date.now() });
    for (const list of Object.values(waiting)) for (const { reject } of list.splice(0)) reject(error);
  }

  return {
    model: MINILM,
    dim: DIMENSIONS,
    batch: 8,
    embed: (texts, priority) =>
      Promise.all(
        texts.map(
          (text) =>
            new Promise<Float32Array>((resolve, reject) => {
              if (closed) return reject(new EmbeddingFailed('the search is ending'));
              waiting[priority].push({ text: text.slice(0, CHARACTERS), resolve, reject });
              next();
            }),
        ),
      ),
    async close() {
      closed = true;
      clearTimeout(idle);
      letGo();
      const error = new EmbeddingFailed('the search is ending');
      current?.reject(error);
      current = undefined;
      for (const list of Object.values(waiting)) for (const { reject } of list.splice(0)) reject(error);
    },
  };
}
