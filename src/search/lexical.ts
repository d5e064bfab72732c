import { DECISIONS, type DocumentSource } from '../kernel/document.ts';
import { LIST_BYTES } from '../kernel/page.ts';
import type { SearchKind, SearchRequest } from '../kernel/search.ts';
import type { Database } from '../store/sqlite.ts';
import { createReader } from './candidates.ts';
import { parseResume, type Resume } from './position.ts';
import { readWords, type Words } from './query.ts';
import type { Kind } from './rows-schema.ts';
import { openStream, type Stream, type StreamSource, type WordHit } from './stream.ts';

/** What was found by words. */
export interface WordAnswer {
  hits: WordHit[];
  /** False where no text has every word, and what has any of them was taken. */
  every: boolean;
  /** How to go on, where there is more. */
  next?: Resume;
}

/** Finds by words what the index holds. A request is answered from one view of it. */
export function createLexical(database: Database, sources: readonly DocumentSource[]) {
  const byKind = new Map<Kind, StreamSource>(
    sources.map((source) => [source.kind, { database, source, reader: createReader(database, source) }]),
  );

  /** Every word, or with `every` false any of them. */
  function take(
    request: SearchRequest,
    ways: readonly Words[],
    every: boolean,
    resume: Resume | undefined,
  ): WordAnswer {
    const { agent, sort, limit } = request;
    const streams: { kind: Kind; ceiling: number; stream: Stream }[] = [];
    for (const [kind, filter] of kindsOf(request)) {
      const source = byKind.get(kind);
      const from = resume?.kinds.get(kind);
      if (source === undefined || (resume && from === undefined)) continue;
      const ceiling = from?.ceiling ?? source.reader.highest();
      const position = from?.position ?? { top: ceiling, offset: 0 };
      streams.push({
        kind,
        ceiling,
        stream: openStream(source, ways, { agent, filter, sort, limit, ceiling, every }, position),
      });
    }
    const hits: WordHit[] = [];
    let bytes = 0;
    while (hits.length < limit) {
      const first = firstOf(
        streams.map(({ stream }) => stream),
        sort,
      );
      const hit = first?.peek();
      if (first === undefined || hit === undefined) break;
      bytes += hit.bytes;
      if (hits.length > 0 && bytes > LIST_BYTES) break;
      hits.push(hit);
      first.take();
    }
    const rest = streams.flatMap(({ kind, ceiling, stream }) => {
      const position = stream.position();
      return position === undefined ? [] : [[kind, { ceiling, position }] as const];
    });
    return { hits, every, ...(rest.length > 0 && { next: { every, kinds: new Map(rest) } }) };
  }

  return {
    find(request: SearchRequest): WordAnswer {
      const ways = request.queries.map(readWords).filter(({ terms }) => terms.length > 0);
      const resume = request.after === undefined ? undefined : parseResume(request.after);
      if (ways.length === 0) return { hits: [], every: true };
      const answer = take(request, ways, resume?.every ?? true, resume);
      const answered = answer.hits.length > 0 || resume !== undefined || ways.every(({ terms }) => terms.length < 2);
      return answered ? label(answer, request) : label(take(request, ways, false, undefined), request);
    },
  };
}

/** The kinds of rows in which is what was asked for, each with its filter. */
function kindsOf({ in: kinds, filter }: SearchRequest): [Kind, SearchRequest['filter']][] {
  const found: [Kind, SearchRequest['filter']][] = [];
  if (kinds.includes('messages')) found.push(['messages', filter]);
  else if (kinds.includes('decisions') && (filter.channel ?? DECISIONS) === DECISIONS)
    found.push(['messages', { ...filter, channel: DECISIONS }]);
  if (kinds.includes('tasks')) found.push(['tasks', filter]);
  if (kinds.includes('memory')) found.push(['memory', filter]);
  return found;
}

/** Calls a message in #decisions a decision where decisions were asked for. */
function label(answer: WordAnswer, { in: kinds }: Pick<SearchRequest, 'in'>): WordAnswer {
  const kindOf = ({ kind, document }: WordHit): SearchKind =>
    kind === 'messages' && kinds.includes('decisions') && document.place.channel === DECISIONS ? 'decisions' : kind;
  return { ...answer, hits: answer.hits.map((hit) => ({ ...hit, kind: kindOf(hit) })) };
}

/** The stream whose next hit comes first. */
function firstOf(streams: readonly Stream[], sort: SearchRequest['sort']): Stream | undefined {
  const worth = ({ score, document }: WordHit) => (sort === 'newest' ? document.at : score);
  let first: { stream: Stream; worth: number } | undefined;
  for (const stream of streams) {
    const hit = stream.peek();
    if (hit !== undefined && (first === undefined || worth(hit) > first.worth)) first = { stream, worth: worth(hit) };
  }
  return first?.stream;
}
