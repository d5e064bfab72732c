import type { Place } from '../../kernel/document.ts';
import type { SearchFilter, SearchKind } from '../../kernel/search.ts';
import type { Database } from '../../store/sqlite.ts';
import { forEachToken } from '../tokens.ts';
import { Words } from './words.ts';

/** Something with a text that has a meaning. The text itself stays on the disk. */
export interface Doc {
  readonly kind: SearchKind;
  readonly row: number;
  readonly id: string;
  /** Of its text. */
  readonly hash: string;
  /** Who may read it; undefined: everybody. */
  readonly readers: readonly string[] | undefined;
  readonly place: Place;
  /** Milliseconds since 1970. */
  readonly at: number;
  /** Its words in order; undefined where the word index alone knows them. */
  readonly words: Uint32Array | undefined;
  /** Where its vector is among those that answer; -1: nowhere. */
  slot: number;
}

interface Row {
  kind: SearchKind;
  row: number;
  id: string;
  hash: string;
  text: string;
  readers: string | null;
  place: string;
  at: number;
  changed: number;
  written: number;
}

/** Rows that are taken in before others get their turn. */
const PAGE = 500;

/** Every embeddable document, kept as table `embeddable` of the index says. */
export class Documents {
  readonly words = new Words();
  readonly #kinds = new Map<SearchKind, Map<number, Doc>>();
  readonly #byHash = new Map<string, Set<Doc>>();
  readonly #index: Database;
  readonly #changes: { came: (doc: Doc) => void; gone: (doc: Doc, last: boolean) => void };
  #seen: readonly [changed: number, written: number] = [-1, -1];
  #syncing: Promise<number> = Promise.resolve(0);

  constructor(index: Database, changes: { came: (doc: Doc) => void; gone: (doc: Doc, last: boolean) => void }) {
    this.#index = index;
    this.#changes = changes;
  }

  get size(): number {
    let size = 0;
    for (const docs of this.#kinds.values()) size += docs.size;
    return size;
  }

  count(kind: SearchKind): number {
    return this.#kinds.get(kind)?.size ?? 0;
  }

  of(kind: SearchKind): Iterable<Doc> {
    return this.#kinds.get(kind)?.values() ?? [];
  }

  get(kind: SearchKind, row: number): Doc | undefined {
    return this.#kinds.get(kind)?.get(row);
  }

  *all(): Iterable<Doc> {
    for (const docs of this.#kinds.values()) yield* docs.values();
  }

  with(hash: string): Iterable<Doc> {
    return this.#byHash.get(hash) ?? [];
  }

  hashes(): ReadonlySet<string> {
    return new Set(this.#byHash.keys());
  }

  /** The text; undefined where another was written there since. */
  textOf({ kind, row, hash }: Doc): string | undefined {
    const sql = 'SELECT text FROM embeddable WHERE kind = ? AND row = ? AND hash = ?';
    return (this.#index.prepare(sql).get(kind, row, hash) as { text: string } | undefined)?.text;
  }

  /** Takes in what changed since the last time; answers how much. Throws what SQLite throws. */
  sync(): Promise<number> {
    // What was written since the last look began is not in it.
    this.#syncing = this.#syncing.catch(() => 0).then(() => this.#takeIn());
    return this.#syncing;
  }

  async #takeIn(): Promise<number> {
    const next = this.#index.prepare(
      `SELECT kind, row, id, hash, text, readers, place, at, changed, rowid AS written FROM embeddable
        WHERE (changed, rowid) > (?, ?) ORDER BY changed, rowid LIMIT ${PAGE}`,
    );
    for (let count = 0; ; ) {
      const rows = next.all(...this.#seen) as Row[];
      for (const row of rows) this.#put(row);
      count += rows.length;
      const last = rows.at(-1);
      if (last === undefined) return count;
      this.#seen = [last.changed, last.written];
      if (rows.length < PAGE) return count;
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  #put({ kind, row, text, hash, readers, place, ...rest }: Row): void {
    let docs = this.#kinds.get(kind);
    if (docs === undefined) this.#kinds.set(kind, (docs = new Map()));
    const before = docs.get(row);
    if (before !== undefined) this.#remove(docs, before);
    if (hash === '') return;
    const doc: Doc = {
      kind,
      row,
      id: rest.id,
      hash,
      readers: readers === null ? undefined : (JSON.parse(readers) as string[]),
      place: JSON.parse(place) as Place,
      at: rest.at,
      // Messages may be many; what they say is asked of the word index.
      words: kind === 'messages' ? undefined : this.words.take(wordsOf(text)),
      slot: -1,
    };
    docs.set(row, doc);
    const same = this.#byHash.get(hash);
    if (same) same.add(doc);
    else this.#byHash.set(hash, new Set([doc]));
    this.#changes.came(doc);
  }

  #remove(docs: Map<number, Doc>, doc: Doc): void {
    docs.delete(doc.row);
    if (doc.words) this.words.drop(doc.words);
    const same = this.#byHash.get(doc.hash);
    same?.delete(doc);
    const last = same === undefined || same.size === 0;
    if (last) this.#byHash.delete(doc.hash);
    this.#changes.gone(doc, last);
  }
}

function wordsOf(text: string): string[] {
  const words: string[] = [];
  forEachToken(text, (word) => words.push(word));
  return words;
}

/** Whether the agent may read it: looked at before anything else. */
export function mayRead({ readers }: Doc, agent: string | undefined): boolean {
  return readers === undefined || (agent !== undefined && readers.includes(agent));
}

/** Whether it is what the filter says. */
export function passes({ place, at }: Doc, filter: SearchFilter): boolean {
  return (
    (filter.from === undefined || place.from === filter.from) &&
    (filter.to === undefined || place.to === filter.to) &&
    (filter.channel === undefined || place.channel === filter.channel) &&
    (filter.thread === undefined || place.thread === filter.thread) &&
    (filter.scope === undefined || place.scope === filter.scope) &&
    (filter.tags === undefined || filter.tags.some((tag) => place.tags?.includes(tag))) &&
    (filter.since === undefined || at >= filter.since) &&
    (filter.before === undefined || at < filter.before)
  );
}
