import { z } from 'zod';
import { AgentName, flag, wholeNumber } from '../../kernel/names.ts';
import { listOutput } from '../../kernel/page.ts';
import { ChannelId } from '../channels/schema.ts';
import { Memory, TagList } from '../memory/schema.ts';
import { Message, MessageId } from '../messages/schema.ts';
import { Task } from '../tasks/schema.ts';

const KINDS = ['messages', 'tasks', 'memory', 'decisions'] as const;
export const Kind = z.enum(KINDS);
export const Mode = z.enum(['lexical', 'semantic', 'hybrid']);

/** Characters of a query at most. */
const QUERY = 8_192;

export const Query = z
  .string()
  .max(QUERY, `at most ${QUERY} characters`)
  .regex(/\S/, 'must not be empty')
  .describe(
    'Words; "several words" for a phrase; TASK-193 or src/a/b.ts are phrases; the last word, and `word*`, may be a beginning; `-word` excludes. Nothing in it is a syntax error.',
  );

const time = wholeNumber(0, Number.MAX_SAFE_INTEGER).optional();

export const SearchCursor = z
  .string()
  .max(200)
  .optional()
  .describe('Goes on where an earlier answer with `more` ended: its `cursor`.');

/** By what a search is narrowed. */
export const filterFields = {
  from: AgentName.optional().describe('Written by this agent.'),
  channel: ChannelId.optional(),
  since: time.describe('Not before this time, in milliseconds since 1970.'),
  before: time.describe('Before this time.'),
};

export const caller = { agent: AgentName.optional().describe('Who asks; needed to find what is private.') };

/** Kinds by name, comma-separated. */
const KindList = z
  .union([z.string().transform((text) => text.split(',').map((each) => each.trim())), z.array(z.string())])
  .pipe(z.array(Kind).min(1))
  .transform((kinds) => [...new Set(kinds)]);

export const SearchInput = z.object({
  q: Query,
  in: KindList.default([...KINDS]).describe('What to look in, comma-separated: messages, tasks, memory, decisions.'),
  mode: Mode.optional().describe(
    'By words (lexical), by meaning (semantic), or by both (hybrid). Unless said: by both where there is a model.',
  ),
  ...filterFields,
  to: AgentName.optional().describe('Addressed or assigned to this agent.'),
  thread: MessageId.optional().describe('The message that a thread is about: it and its replies.'),
  tags: TagList.optional(),
  sort: z.enum(['relevance', 'newest']).default('relevance'),
  limit: wholeNumber(1, Number.MAX_SAFE_INTEGER)
    .transform((n) => Math.min(n, 100))
    .default(20)
    .describe('Results at most: 20 unless said, never more than 100.'),
  cursor: SearchCursor,
  compact: flag.optional().describe('1: what was found is told by its snippet alone.'),
  ...caller,
});

export const SnippetOutput = z.object({
  text: z.string().meta({ description: 'A piece of the text around what matched.' }),
  matches: z
    .array(z.array(z.number()))
    .meta({ description: '[start, end) of each match in the snippet, in UTF-16 units.' }),
});

const found = {
  score: z.number().meta({ description: 'Greater is better; comparable within one search.' }),
  snippet: SnippetOutput,
};

export const Result = z.object({
  kind: Kind.meta({ description: 'A message in #decisions is a decision where decisions are looked for.' }),
  id: z.string(),
  ...found,
  matched: z.enum(['words', 'meaning', 'both']),
  message: Message.optional().meta({ description: 'Where it is a message or a decision.' }),
  task: Task.optional(),
  memory: Memory.optional(),
});

/** How the answer came about. */
export const how = {
  mode: Mode.meta({ description: 'What was done; less than what was asked where `degraded` says why.' }),
  words: z
    .enum(['all', 'any'])
    .meta({ description: 'any: nothing has all the words, and this has the most telling of them.' }),
  model: z.string().optional(),
  pending: z.number().meta({ description: 'Documents that have no vector yet.' }),
  degraded: z.string().optional(),
};

export const SearchOutput = z.object({ results: z.array(Result), ...how, ...listOutput });

export const FoundMessage = Message.extend(found);

export const StatusOutput = z.object({
  messages: z.object({
    indexed: z.number().meta({ description: 'The event up to which everything can be found.' }),
    head: z.number().meta({ description: 'The newest event.' }),
  }),
  reindexing: z
    .object({ done: z.number(), total: z.number() })
    .optional()
    .meta({ description: 'How far the words of everything have been made anew, while they are.' }),
  semantic: z.object({
    model: z.string().nullable(),
    indexed: z.number(),
    pending: z.number(),
    error: z.string().optional(),
  }),
  error: z.string().optional().meta({ description: 'What is wrong with searching now.' }),
});
