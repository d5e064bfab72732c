import { DECISIONS, type DocumentSource } from '../kernel/document.ts';
import { LIST_BYTES } from '../kernel/page.ts';
import type { SearchKind, SearchRequest } from '../kernel/search.ts';
import type { Database } from '../store/sqlite.ts';
import { createReader } from './candidates.ts';
import { parseResume, type Resume } from './position.ts';
import { readWords, type Words } from './query.ts';
import type { Kind } from './rows-schema.ts';
import { readable } from './strands.ts';
import { openStream, type Stream, type StreamSource, type WordHit } from './stream.ts';
import { weigh } from './terms.ts';

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
    const searched = kindsOf(request).flatMap(([kind, filter]) => {
      const source = byKind.get(kind);
      if (source === undefined) return [];
      const highest = source.reader.highest();
      const from = resume
        ? (resume.kinds.get(kind) ?? { ceiling: 0, position: OVER })
        : { ceiling: highest, position: { top: highest, offset: 0 } };
      return [{ kind, filter, source, strands: readable(kind, agent), ...from }];
    });
    const asked = ways.map((words) => weigh(database, words, searched, agent));
    const streams = searched.map(({ kind, filter, source, ceiling, position }) => ({
      kind,
      ceiling,
      stream: openStream(source, asked, { agent, filter, sort, limit, every }, position),
    }));
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
    const rest = streams.map(({ kind, ceiling, stream }) => [kind, { ceiling, position: stream.position() }] as const);
    if (rest.every(([, { position }]) => position === undefined)) return { hits, every };
    const kinds = rest.map(([kind, { ceiling, position = OVER }]) => [kind, { ceiling, position }] as const);
    return { hits, every, next: { every, kinds: new Map(kinds) } };
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

/** Where a stream stands that is over. */
const OVER = { top: 0, offset: 0 };

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
