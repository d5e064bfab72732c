import { z } from 'zod';
import { capability, type QueryContext, query } from '../../kernel/capability.ts';
import { search, searchMessages } from './find.ts';
import { StatusOutput } from './schema.ts';

const status = query({
  name: 'search.status',
  summary: 'How much can be found, by words and by meaning.',
  http: ['GET /search/status'],
  input: z.object({}),
  output: StatusOutput,
  async run(_, { search }: QueryContext<never>) {
    return { ...(await search.status()), ...(search.error !== undefined && { error: search.error }) };
  },
});

const reindex = query({
  name: 'search.reindex',
  summary: 'Makes the words of everything anew in the background; /search/status tells how far it is.',
  http: ['POST /search/reindex'],
  input: z.object({}),
  output: z.object({ success: z.literal(true), status: StatusOutput }),
  async run(_, { search }: QueryContext<never>) {
    // Why it failed is told by the status and by /health.
    search.reindex().catch(() => {});
    return { success: true as const, status: await search.status() };
  },
});

export const searching = capability<never>()({
  name: 'search',
  summary: 'Finding anything by what it says.',
  collections: [],
  operations: [search, searchMessages, status, reindex],
  events: {},
});
