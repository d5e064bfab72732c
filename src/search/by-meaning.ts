import { DECISIONS, type DocumentSource } from '../kernel/document.ts';
import { Refusal } from '../kernel/errors.ts';
import { LIST_BYTES } from '../kernel/page.ts';
import type { SearchAnswer, SearchHit, SearchKind, SearchRequest } from '../kernel/search.ts';
import type { Database } from '../store/sqlite.ts';
import { createReader, type Reader } from './candidates.ts';
import type { createLexical } from './lexical.ts';
import { readWords, type Term } from './query.ts';
import { formatPosition, isPosition, parsePosition } from './semantic/position.ts';
import type { Candidate, Ranked } from './semantic/rank.ts';
import type { Semantic } from './semantic/semantic.ts';
import { snippetOf } from './snippet.ts';
import { longerWords } from './terms.ts';

/** Messages that words bring into a search by both. */
const MESSAGES = 200;
/** Seconds after which a model that failed may answer. */
const RETRY = 5;

export interface Parts {
  database: Database;
  sources: readonly DocumentSource[];
  lexical: ReturnType<typeof createLexical>;
  semantic: Semantic;
  /** Reads as of one moment. */
  inOneView<R>(read: () => R): R;
  /** The answer by words alone. */
  byWords(request: SearchRequest): SearchAnswer;
}

/** Finds by meaning and words, or by words alone where there is no model that answers, and says so. */
export function createByMeaning({ database, sources, lexical, semantic, inOneView, byWords }: Parts) {
  const readers = new Map<string, Reader>(sources.map((source) => [source.kind, createReader(database, source)]));

  /** Messages that have the words: they take part whether they have a vector or not. */
  function candidatesOf(request: SearchRequest): Candidate[] {
    if (!request.in.includes('messages') || request.mode === 'semantic') return [];
    const { after: _, ...rest } = request;
    const wanted = { ...rest, in: ['messages'] as const, sort: 'relevance' as const, limit: MESSAGES };
    const { hits, every } = inOneView(() => lexical.find(wanted));
    const quoted = request.queries.some((query) => readWords(query).terms.some((term) => term.quoted));
    // Where nothing has every word, nothing is known to have what was quoted.
    if (quoted && !every) return [];
    return hits.map(({ row, id, document, coverage }) => ({ row, id, at: document.at, coverage }));
  }

  /** The entities of hits, with the pieces of text that matched; the first of them where all are too much. */
  function read(hits: readonly Ranked[], request: SearchRequest): { shown: SearchHit[]; last: Ranked | undefined } {
    const terms = termsOf(request);
    const found = new Map<Ranked, SearchHit & { bytes: number }>();
    for (const kind of new Set(hits.map((hit) => sourceOf(hit.kind)))) {
      const rows = hits.filter((hit) => sourceOf(hit.kind) === kind);
      const byRow = new Map(rows.map((hit) => [hit.row, hit]));
      for (const { row, entity, document, bytes } of readers.get(kind)?.read([...byRow.keys()], request.agent) ?? []) {
        const hit = byRow.get(row) as Ranked;
        const seq = (entity as { seq?: number }).seq ?? row;
        const snippet = snippetOf(document.text, hit.matched === 'meaning' ? [] : terms);
        const { kind, id, score, matched } = hit;
        found.set(hit, { kind, id, seq, score, matched, snippet, entity, bytes });
      }
    }
    const shown: SearchHit[] = [];
    let last: Ranked | undefined;
    let all = 0;
    for (const hit of hits) {
      const { bytes, ...is } = found.get(hit) ?? { bytes: 0 };
      all += bytes;
      if (shown.length > 0 && all > LIST_BYTES) break;
      last = hit;
      // What went away since it was ranked is not there.
      if ('id' in is) shown.push(is);
    }
    return { shown, last };
  }

  function termsOf({ queries, agent }: SearchRequest): (Term & { longer: Set<string> })[] {
    const terms = queries.flatMap((query) => readWords(query).terms);
    return terms.map((term) => {
      const last = term.words.at(-1) as string;
      return { ...term, longer: new Set(term.begins ? longerWords(database, last, agent) : []) };
    });
  }

  return async function find(request: SearchRequest): Promise<SearchAnswer> {
    if (request.after !== undefined && !isPosition(request.after)) {
      // It began by words, and what was shown is not shown again.
      return { ...byWords(request), degraded: 'the search began by words alone' };
    }
    const after = request.after === undefined ? undefined : parsePosition(request.after);
    const found = await semantic.find(request, after, () => candidatesOf(request));
    if (found.mode === 'lexical') {
      const { pending, degraded, usual } = found;
      if (after === undefined)
        return { ...byWords(request), pending, ...((!usual || request.mode !== undefined) && { degraded }) };
      const detail = `The search goes on by meaning, and that is not possible now: ${found.degraded}.`;
      throw new Refusal('index_unavailable', detail, { retryAfter: RETRY });
    }
    const { hits, more, ...how } = found;
    const { shown, last } = inOneView(() => read(hits, request));
    const goesOn = last !== undefined && (more || last !== hits.at(-1));
    return { hits: shown, words: 'any', ...how, ...(goesOn && { next: formatPosition(last) }) };
  };
}

/** Decisions are messages. */
function sourceOf(kind: SearchKind): string {
  return kind === DECISIONS ? 'messages' : kind;
}
