import type { SearchKind, SearchMode, SearchRequest } from '../../kernel/search.ts';
import type { Database } from '../../store/sqlite.ts';
import { readWords } from '../query.ts';
import { createBackground, type Missing } from './background.ts';
import { type Doc, Documents, mayRead } from './documents.ts';
import { type Embedder, EmbeddingFailed } from './embedder.ts';
import type { Models } from './models.ts';
import { type Asked, type Candidate, type Position, type Ranked, rank } from './rank.ts';
import { Recent } from './recent.ts';
import { VectorSet } from './vector-set.ts';
import { openVectorFile, type Stored } from './vectors.ts';

export interface SemanticOptions {
  /** A connection to the index that may only read. */
  index: Database;
  /** Of the vectors: `vectors.sqlite`. */
  file: string;
  models: Models;
  /** Milliseconds for which an answer waits for the model. */
  patienceMs?: number;
  /** Milliseconds for which documents rest before they are embedded. */
  restMs?: number;
  /** Told what is wrong, each time that changes. */
  onError?: (error: string | undefined) => void;
}

/** What was found by meaning and words, or why it was not looked for so. */
export type Found =
  | {
      mode: Exclude<SearchMode, 'lexical'>;
      model: string;
      pending: number;
      hits: Ranked[];
      /** There are more after these. */
      more: boolean;
      degraded?: string;
    }
  /** `usual`: it is so by the settings, and nothing is amiss. */
  | { mode: 'lexical'; pending: number; degraded: string; usual?: true };

export interface SemanticStatus {
  model: string | null;
  indexed: number;
  pending: number;
  error?: string;
}

/** Cosine from which two texts say nearly the same: see docs/decisions/search-by-meaning.md. */
export const SIMILAR = 0.8;
const SIMILAR_AT_MOST = 5;
/** Queries whose vectors are remembered. */
const RECENT = 500;
/** Texts that are chosen at once for the background. */
const PLAN = 1_024;
/** Kinds in the order in which they are embedded. */
const ORDER: readonly SearchKind[] = ['decisions', 'memory', 'tasks', 'messages'];
const PATIENCE_MS = 3_000;
const REST_MS = 500;

/** Milliseconds between looks for documents that came while nobody asked. */
const LOOK_MS = 1_000;
const SWEEP_MS = 24 * 3_600_000;

/**
 * Search by meaning over everything embeddable: keeps its documents as the index says, gives them vectors in the
 * background, and ranks. It fails in no other way than by saying why there is less.
 */
export class Semantic {
  readonly #docs: Documents;
  readonly #models: Models;
  readonly #file: ReturnType<typeof openVectorFile>;
  readonly #background: ReturnType<typeof createBackground>;
  readonly #patienceMs: number;
  readonly #recent = new Recent<Float32Array>(RECENT);
  /** Of the model that is set: what is made now. */
  readonly #making: VectorSet | undefined;
  /** The vectors that answer: of the model that is set, or of the one before it until that is complete. */
  #answering: VectorSet | undefined;
  /** Documents with a vector of the model that is set, and with one that answers. */
  readonly #made = new Map<SearchKind, number>();
  #embedded = new Map<SearchKind, number>();
  /** Hashes whose vectors the file lacks, because it could not be written. */
  readonly #unstored = new Set<string>();
  #plan: Doc[] = [];
  readonly #onError: SemanticOptions['onError'];
  #told: string | undefined;
  #queryError: string | undefined;
  #indexError: string | undefined;
  readonly #timers: NodeJS.Timeout[] = [];

  constructor({ index, file, models, patienceMs = PATIENCE_MS, restMs = REST_MS, onError }: SemanticOptions) {
    this.#models = models;
    this.#onError = onError;
    this.#patienceMs = patienceMs;
    this.#docs = new Documents(index, {
      came: (doc) => this.#came(doc),
      gone: (doc, last) => this.#gone(doc, last),
    });
    this.#background = createBackground({
      restMs,
      next: (refused) => this.#next(refused),
      done: (embedder, texts, vectors) => this.#done(embedder, texts, vectors),
    });
    this.#file = openVectorFile(file, () => this.#storeAnew());
    if (models.set === undefined) return;
    this.#making = new VectorSet(models.set.model);
    const last = this.#file.answering();
    const former = last === undefined || last === models.set.model ? undefined : models.named(last);
    this.#answering = former === undefined ? this.#making : new VectorSet(former.model);
    if (former === undefined) this.#file.answersWith(models.set.model);
    this.#timers.push(setInterval(() => void this.#look(), LOOK_MS).unref());
    this.#timers.push(setInterval(() => this.#sweep(), SWEEP_MS).unref());
    this.#timers.push(setTimeout(() => this.#sweep(), SWEEP_MS / 100).unref());
    void this.#look();
  }

  /** Takes in what changed in the index. Throws what SQLite throws. */
  async sync(): Promise<void> {
    if ((await this.#docs.sync()) === 0) return;
    this.#plan = [];
    this.#settle();
    if (this.#making !== undefined) this.#background.wake();
  }

  /** Finds and ranks what the agent may read. `messages` looks for those that the word index knows. */
  async find(request: SearchRequest, after?: Position, messages: () => Candidate[] = () => []): Promise<Found> {
    if (this.#models.set === undefined)
      return { mode: 'lexical', pending: 0, degraded: this.#models.none, usual: true };
    await this.sync();
    const pending = () => this.#pendingOf(request.in, (doc) => mayRead(doc, request.agent));
    const mode = request.mode === 'semantic' ? ('semantic' as const) : ('hybrid' as const);
    const queries = request.queries.map(readWords);
    const meant = [...new Set(queries.map(({ said }) => said).filter((said) => said !== ''))];
    let asked: Asked[];
    let set: VectorSet;
    try {
      do {
        set = this.#answering as VectorSet;
        const without = this.#without(request.in);
        if (without !== undefined) return { mode: 'lexical', pending: pending(), ...without };
        const vectors = await this.#vectorsOf(meant);
        asked = queries.map((query) => ({ ...query, vector: vectors.get(query.said) }));
        // While the model was asked, another may have taken over.
      } while (set !== this.#answering);
    } catch (error) {
      return { mode: 'lexical', pending: pending(), degraded: (error as Error).message };
    }
    const page = rank({ docs: this.#docs, set, asked, request: { ...request, mode }, after, messages: messages() });
    const left = pending();
    const degraded = left > 0 ? this.#background.error : undefined;
    return { mode, model: set.model, pending: left, ...page, ...(degraded !== undefined && { degraded }) };
  }

  /** What the agent may read of a kind that says nearly the same, nearest first; nothing where no model answers in time. */
  async similar(
    text: string,
    kind: SearchKind,
    agent: string | undefined,
  ): Promise<{ id: string; similarity: number }[]> {
    const set = this.#answering;
    if (set === undefined) return [];
    await this.sync();
    if (set.size === 0 || text.trim() === '') return [];
    let vector: Float32Array | undefined;
    try {
      vector = (await this.#vectorsOf([text])).get(text);
    } catch {
      return [];
    }
    if (vector === undefined || set !== this.#answering) return [];
    const near: { id: string; similarity: number }[] = [];
    for (const doc of this.#docs.of(kind)) {
      if (doc.slot === -1 || !mayRead(doc, agent)) continue;
      const similarity = set.cosine(vector, doc.slot);
      if (similarity >= SIMILAR) near.push({ id: doc.id, similarity: Math.min(similarity, 1) });
    }
    return near.sort((a, b) => b.similarity - a.similarity).slice(0, SIMILAR_AT_MOST);
  }

  status(): SemanticStatus {
    const pending = this.#pendingOf(ORDER);
    const error = this.error;
    return {
      model: this.#models.set?.model ?? null,
      indexed: this.#models.set === undefined ? 0 : this.#docs.size - pending,
      pending,
      ...(error !== undefined && { error }),
    };
  }

  /** What is wrong with it now. */
  get error(): string | undefined {
    return this.#indexError ?? this.#queryError ?? this.#background.error ?? this.#file.error;
  }

  async close(): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer);
    const embedders = new Set([this.#models.set, this.#models.named(this.#answering?.model ?? '')]);
    await Promise.all([...embedders].map((embedder) => embedder?.close()));
    await this.#background.close();
    this.#file.close();
  }

  /** Why meaning says nothing of these kinds; undefined where it does. */
  #without(kinds: readonly SearchKind[]): { degraded: string; usual?: true } | undefined {
    const total = kinds.reduce((sum, kind) => sum + this.#docs.count(kind), 0);
    const embedded = kinds.reduce((sum, kind) => sum + (this.#embedded.get(kind) ?? 0), 0);
    if (embedded > 0 || (total === 0 && !kinds.includes('messages'))) return undefined;
    if (total > 0) return { degraded: this.#background.error ?? 'nothing of what was searched has a vector yet' };
    return { degraded: 'messages have no vectors: set EMBED_MESSAGES', usual: true };
  }

  /** How many lack a vector of the model that is set; with `counts`, only those for which it is true. */
  #pendingOf(kinds: readonly SearchKind[], counts?: (doc: Doc) => boolean): number {
    const making = this.#making;
    if (making === undefined) return 0;
    let pending = 0;
    for (const kind of kinds) pending += this.#docs.count(kind) - (this.#made.get(kind) ?? 0);
    if (pending === 0 || counts === undefined) return pending;
    pending = 0;
    for (const kind of kinds)
      for (const doc of this.#docs.of(kind)) if (!making.has(doc.hash) && counts(doc)) pending++;
    return pending;
  }

  /** The vectors of texts by the model that answers, in time. Throws {@link EmbeddingFailed}. */
  async #vectorsOf(texts: readonly string[]): Promise<Map<string, Float32Array>> {
    const set = this.#answering as VectorSet;
    const embedder = this.#models.named(set.model) as Embedder;
    const known = new Map(texts.map((text) => [text, this.#recent.get(`${set.model}\n${text}`)]));
    const lacking = texts.filter((text) => known.get(text) === undefined);
    try {
      const vectors = lacking.length === 0 ? [] : await this.#inTime(embedder.embed(lacking, 'query'));
      for (const [i, text] of lacking.entries()) {
        const vector = vectors[i] as Float32Array;
        if (set.dim !== 0 && vector.length !== set.dim) throw otherLength(vector.length, set.dim);
        known.set(text, vector);
        this.#recent.put(`${set.model}\n${text}`, vector);
      }
    } catch (error) {
      if (error instanceof Late) throw error;
      this.#queryError = (error as Error).message;
      // A former model that fails is given up: what the new one has already is more.
      if (set !== this.#making) this.#takeOver();
      this.#tell();
      throw error;
    }
    this.#queryError = undefined;
    return known as Map<string, Float32Array>;
  }

  #inTime<T>(answer: Promise<T>): Promise<T> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Late()), this.#patienceMs);
    });
    return Promise.race([answer, late]).finally(() => clearTimeout(timer));
  }

  async #look(): Promise<void> {
    try {
      await this.sync();
      this.#indexError = undefined;
    } catch (error) {
      this.#indexError = `the index cannot be read: ${(error as Error).message}`;
    }
    if (this.#unstored.size > 0) this.#store([]);
    this.#tell();
  }

  #tell(): void {
    const { error } = this;
    if (error === this.#told) return;
    this.#told = error;
    this.#onError?.(error);
  }

  #came(doc: Doc): void {
    if (this.#making === undefined || this.#answering === undefined) return;
    for (const set of new Set([this.#making, this.#answering])) {
      if (set.has(doc.hash)) continue;
      const stored = this.#file.get(set.model, doc.hash);
      if (stored !== undefined) set.put(doc.hash, stored);
    }
    if (this.#making.has(doc.hash)) count(this.#made, doc, 1);
    doc.slot = this.#answering.slot(doc.hash);
    if (doc.slot !== -1) count(this.#embedded, doc, 1);
  }

  #gone(doc: Doc, last: boolean): void {
    if (this.#making?.has(doc.hash)) count(this.#made, doc, -1);
    if (doc.slot !== -1) count(this.#embedded, doc, -1);
    if (!last) return;
    this.#making?.drop(doc.hash);
    this.#answering?.drop(doc.hash);
    this.#unstored.delete(doc.hash);
    this.#background.forget(doc.hash);
  }

  /** Texts that lack a vector: of decisions and memories first, then tasks, then messages, the newest first. */
  #next(refused: ReadonlySet<string>): { embedder: Embedder; texts: Missing[] } | undefined {
    const embedder = this.#models.set as Embedder;
    const making = this.#making as VectorSet;
    const lacks = (doc: Doc) => !making.has(doc.hash) && !refused.has(doc.hash);
    const texts = new Map<string, Missing>();
    for (let planned = false; texts.size < embedder.batch; ) {
      const doc = this.#plan.shift();
      if (doc !== undefined) {
        const text = lacks(doc) ? this.#docs.textOf(doc) : undefined;
        if (text === undefined) continue;
        // Who wrote it may have been told what is like it.
        const known = this.#recent.get(`${making.model}\n${text}`);
        if (known) this.#done(embedder, [{ hash: doc.hash, text }], [known]);
        else texts.set(doc.hash, { hash: doc.hash, text });
      } else if (planned || texts.size > 0) break;
      else {
        this.#plan = firstOf(this.#docs.all(), lacks);
        planned = true;
      }
    }
    if (texts.size > 0) return { embedder, texts: [...texts.values()] };
    this.#settle(refused);
    return undefined;
  }

  #done(_: Embedder, texts: readonly Missing[], vectors: readonly Float32Array[]): void {
    const making = this.#making as VectorSet;
    const put: string[] = [];
    for (const [i, { hash }] of texts.entries()) {
      const vector = vectors[i] as Float32Array;
      const docs = [...this.#docs.with(hash)];
      if (docs.length === 0 || making.has(hash)) continue;
      if (!making.put(hash, vector)) throw otherLength(vector.length, making.dim);
      put.push(hash);
      for (const doc of docs) {
        count(this.#made, doc, 1);
        if (this.#answering !== making) continue;
        doc.slot = making.slot(hash);
        count(this.#embedded, doc, 1);
      }
    }
    this.#queryError = undefined;
    this.#store(put);
  }

  #store(hashes: readonly string[]): void {
    const making = this.#making as VectorSet;
    for (const hash of hashes) this.#unstored.add(hash);
    const stored = [...this.#unstored].map((hash): Stored => ({ hash, vector: making.get(hash) as Float32Array }));
    if (this.#file.put(making.model, stored)) this.#unstored.clear();
  }

  /** The file was made anew: it is to hold what memory holds. */
  #storeAnew(): void {
    if (this.#making === undefined || this.#answering === undefined) return;
    this.#file.answersWith(this.#answering.model);
    for (const hash of this.#making.hashes()) this.#unstored.add(hash);
  }

  /** Lets the model that is set answer once it has a vector for everything that it takes. */
  #settle(refused: ReadonlySet<string> = this.#background.refused): void {
    if (this.#answering === this.#making) return;
    for (const { hash } of this.#docs.all()) if (!this.#making?.has(hash) && !refused.has(hash)) return;
    this.#takeOver();
  }

  #takeOver(): void {
    const former = this.#answering as VectorSet;
    const making = this.#making as VectorSet;
    this.#answering = making;
    for (const doc of this.#docs.all()) doc.slot = making.slot(doc.hash);
    this.#embedded = new Map(this.#made);
    this.#file.answersWith(making.model);
    void this.#models.named(former.model)?.close();
  }

  #sweep(): void {
    const hashes = this.#docs.hashes();
    const inUse = new Map(
      [this.#making, this.#answering].flatMap((set) => (set ? [[set.model, hashes] as const] : [])),
    );
    this.#file.sweep(inUse, Date.now());
  }
}

function count(counts: Map<SearchKind, number>, { kind }: Doc, by: number): void {
  counts.set(kind, (counts.get(kind) ?? 0) + by);
}

/** The first documents, of those that lack a vector, in the order of their embedding. */
function firstOf(docs: Iterable<Doc>, lacks: (doc: Doc) => boolean): Doc[] {
  const compare = (a: Doc, b: Doc) => ORDER.indexOf(a.kind) - ORDER.indexOf(b.kind) || b.at - a.at || b.row - a.row;
  let first: Doc[] = [];
  for (const doc of docs) {
    if (!lacks(doc)) continue;
    first.push(doc);
    if (first.length === PLAN * 4) first = first.sort(compare).slice(0, PLAN);
  }
  return first.sort(compare).slice(0, PLAN);
}

function otherLength(length: number, dim: number): EmbeddingFailed {
  return new EmbeddingFailed(
    `the model answers vectors of ${length} numbers, and those that are stored have ${dim}: set EMBEDDINGS_DIM=${length}`,
  );
}

/** The model is at work and was not waited for. */
class Late extends EmbeddingFailed {
  constructor() {
    super('the model did not answer in time: it is loading or busy, ask again in a moment');
  }
}
