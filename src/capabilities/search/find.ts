import { z } from 'zod';
import { type QueryContext, query } from '../../kernel/capability.ts';
import { listInput, listOutput, pick } from '../../kernel/page.ts';
import type { SearchAnswer, SearchHit } from '../../kernel/search.ts';
import { formatSearchCursor, parseSearchCursor } from '../../kernel/search-cursor.ts';
import { type Message, presentMessages, requireParty } from '../messages/index.ts';
import {
  caller,
  FoundMessage,
  filterFields,
  how,
  Query,
  type Result,
  SearchCursor,
  SearchInput,
  SearchOutput,
} from './schema.ts';

/** What every answer says of itself. */
function answered({ mode, words, model, pending, degraded, next }: SearchAnswer, epoch: string) {
  return {
    mode,
    words,
    ...(model !== undefined && { model }),
    pending,
    ...(degraded !== undefined && { degraded }),
    ...(next !== undefined && { more: true as const, cursor: formatSearchCursor(epoch, next) }),
  };
}

function toResult({ kind, id, score, matched, snippet, entity }: SearchHit, compact: boolean | undefined) {
  const field = kind === 'tasks' ? 'task' : kind === 'memory' ? 'memory' : 'message';
  const shown = field === 'message' ? presentMessages([entity as Message], undefined, false)[0] : entity;
  return {
    kind,
    id,
    score,
    matched,
    snippet: toSnippet(snippet),
    ...(!compact && { [field]: shown }),
  } as z.input<typeof Result>;
}

function toSnippet({ text, matches }: SearchHit['snippet']) {
  return { text, matches: matches.map(([start, end]) => [start, end]) };
}

/** Everything that can be found. */
export const search = query({
  name: 'search.find',
  summary: 'Finds messages, tasks, memories and decisions by what they say, the best first.',
  http: ['GET /search'],
  actor: 'agent',
  complaint: 'query parameter "q" is required',
  input: SearchInput,
  output: SearchOutput,
  async run(
    { q, in: kinds, mode, sort, limit, cursor, compact, agent: _, ...filter },
    { search, agent, epoch }: QueryContext<never>,
  ) {
    requireParty(filter.channel, agent);
    const after = parseSearchCursor(cursor, epoch);
    const answer = await search.find({ queries: [q], in: kinds, mode, agent, filter, sort, limit, after });
    return { results: answer.hits.map((hit) => toResult(hit, compact)), ...answered(answer, epoch) };
  },
});

const { limit, fields, compact } = listInput(100, 1_000);

/** Messages alone, in the shape of the original contract. */
export const searchMessages = query({
  name: 'messages.search',
  summary: 'The newest messages that say something, oldest first; with sort=relevance the best first.',
  http: ['GET /chat/search'],
  actor: 'agent',
  complaint: 'query parameter "q" is required',
  input: z.object({
    q: Query,
    ...filterFields,
    sort: z.enum(['newest', 'relevance']).default('newest'),
    limit,
    cursor: SearchCursor,
    fields,
    compact,
    ...caller,
  }),
  output: z.object({ messages: z.array(FoundMessage.partial()), count: z.number(), ...how, ...listOutput }),
  async run(
    { q, sort, limit, cursor, fields, compact, agent: _, ...filter },
    { search, agent, epoch }: QueryContext<never>,
  ) {
    requireParty(filter.channel, agent);
    const after = parseSearchCursor(cursor, epoch);
    const answer = await search.find({
      queries: [q],
      in: ['messages'],
      mode: 'lexical',
      agent,
      filter,
      sort,
      limit,
      after,
    });
    const shown = answer.hits.map(({ entity, score, snippet }) => ({
      ...presentMessages([entity as Message], undefined, compact)[0],
      score,
      snippet: toSnippet(snippet),
    }));
    const messages = pick(shown, fields);
    if (sort === 'newest') messages.reverse();
    return { messages, count: messages.length, ...answered(answer, epoch) };
  },
});
