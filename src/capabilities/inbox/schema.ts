import { z } from 'zod';
import type { CollectionSpec } from '../../kernel/capability.ts';
import { AgentName, wholeNumber } from '../../kernel/names.ts';

/** What is addressed to agents, one row for each and each agent. */
export const itemsTable: CollectionSpec = {
  name: 'inbox_items',
  keep: 'history',
  columns: {
    agent: "TEXT AS (doc ->> 'agent') STORED",
    event: "INTEGER AS (doc ->> 'event') STORED",
    at: "INTEGER AS (doc ->> 'at') STORED",
    reason: "TEXT AS (doc ->> 'reason') STORED",
    message: "TEXT AS (doc ->> 'message') STORED",
  },
  indexes: ['CREATE INDEX inbox_items_by_agent ON inbox_items (agent, event)'],
};

/** Who has spoken in each thread; a row stands under the seq of the thread's first message. */
export const participantsTable: CollectionSpec = { name: 'thread_participants', keep: 'history', columns: {} };

/** What agents acknowledged one by one. */
export const acksTable: CollectionSpec = {
  name: 'inbox_acks',
  keep: 'history',
  columns: {
    agent: "TEXT AS (doc ->> 'agent') STORED",
    item: "INTEGER AS (doc ->> 'item') STORED",
    until: "INTEGER AS (doc ->> 'until') STORED",
  },
  indexes: ['CREATE INDEX inbox_acks_by_agent ON inbox_acks (agent, item)'],
};

/** A message in an inbox. */
export const InboxMessage = z.looseObject({
  id: z.string(),
  from: z.string(),
  content: z.string(),
  channel: z.string(),
  timestamp: z.number(),
  priority: z.enum(['high', 'medium', 'low']),
  reason: z.enum(['dm', 'mention', 'thread', 'assigned', 'unblocked', 'review', 'reviewed', 'subscribed', 'general']),
});

export const agent = AgentName.describe('Whose inbox.');
export const wait = wholeNumber(0, 600).default(0).describe('Seconds to wait until there is something.');
