import { backOff, type Embedder, EmbeddingFailed } from './embedder.ts';

/** A text that has no vector yet. */
export interface Missing {
  hash: string;
  text: string;
}

export interface BackgroundOptions {
  /** What is to be done next, and with which model: no more than its `batch`; undefined where nothing is. */
  next(refused: ReadonlySet<string>): { embedder: Embedder; texts: Missing[] } | undefined;
  done(embedder: Embedder, texts: readonly Missing[], vectors: readonly Float32Array[]): void;
  /** Milliseconds without a change before it begins. */
  restMs: number;
}

/** Embeds what has no vector, a few texts at a time, and goes on after failures. */
export interface Background {
  /** Documents came or changed. */
  wake(): void;
  /** Why the last try failed, or what a model refuses. */
  readonly error: string | undefined;
  /** Texts that are in no model's power, until they change or the server starts again: by hash. */
  readonly refused: ReadonlySet<string>;
  /** No document has this text any more. */
  forget(hash: string): void;
  close(): Promise<void>;
}

/** How often a text that breaks the model is tried, alone, before it is left. */
const TRIES = 3;
/** Texts refused one after the other after which it is not their fault. */
const REFUSALS = 5;
/** Milliseconds for which changes that do not rest may hold it up. */
const PATIENCE_MS = 5_000;

export function createBackground({ next, done, restMs }: BackgroundOptions): Background {
  const refused = new Set<string>();
  /** Texts that are tried alone, and how often they failed. */
  const suspects = new Map<string, number>();
  let error: string | undefined;
  let failures = 0;
  /** Texts that were refused since one was not. */
  let inRow = 0;
  let timer: NodeJS.Timeout | undefined;
  let wokenAt: number | undefined;
  let running: Promise<void> | undefined;
  let woken = false;
  let closed = false;

  function schedule(ms: number): void {
    clearTimeout(timer);
    if (closed) return;
    timer = setTimeout(() => {
      wokenAt = undefined;
      running ??= run().finally(() => {
        running = undefined;
        if (woken) wake();
      });
    }, ms).unref();
  }

  function wake(): void {
    woken = running !== undefined;
    if (woken || failures > 0) return;
    const now = Date.now();
    wokenAt ??= now;
    schedule(now - wokenAt > PATIENCE_MS ? 0 : restMs);
  }

  async function run(): Promise<void> {
    while (!closed) {
      const work = next(refused);
      if (work === undefined) {
        failures = 0;
        error = undefined;
        return;
      }
      const alone = work.texts.find(({ hash }) => suspects.has(hash));
      const texts = alone === undefined ? work.texts : [alone];
      try {
        const vectors = await work.embedder.embed(
          texts.map(({ text }) => text),
          'background',
        );
        for (const { hash } of texts) suspects.delete(hash);
        failures = 0;
        inRow = 0;
        error = undefined;
        done(work.embedder, texts, vectors);
      } catch (fault) {
        if (closed) return;
        const wait = failed(fault, texts);
        if (wait === 0) continue;
        // A sleeping loop is the timer's.
        return schedule(wait);
      }
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  /** Notes a failure; answers milliseconds until the next try. */
  function failed(fault: unknown, texts: readonly Missing[]): number {
    error = fault instanceof Error ? fault.message : String(fault);
    const { ofTexts, retryAfter = 0 } = fault instanceof EmbeddingFailed ? fault : { ofTexts: false };
    // A model that refuses one text after the other refuses something else than texts.
    const all = ofTexts === true && texts.length === 1 && ++inRow > REFUSALS;
    if (ofTexts !== false && !all) suspect(texts, ofTexts);
    if (ofTexts === true && !all) return 0;
    failures++;
    return Math.max(retryAfter, backOff(failures));
  }

  /** Of several, each is tried alone; one that was tried alone is left. */
  function suspect(texts: readonly Missing[], ofTexts: true | 'perhaps'): void {
    for (const { hash } of texts) {
      const tries = (suspects.get(hash) ?? 0) + (texts.length === 1 ? 1 : 0);
      suspects.set(hash, tries);
      if (texts.length > 1 || (ofTexts === 'perhaps' && tries < TRIES)) continue;
      refused.add(hash);
      suspects.delete(hash);
    }
  }

  return {
    wake,
    get error() {
      if (error !== undefined) return error;
      return refused.size === 0 ? undefined : `${refused.size} texts have no vector, because the model refuses them`;
    },
    refused,
    forget(hash) {
      refused.delete(hash);
      suspects.delete(hash);
    },
    async close() {
      closed = true;
      clearTimeout(timer);
      await running;
    },
  };
}
