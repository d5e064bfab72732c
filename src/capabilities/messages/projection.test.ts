import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { createStatements } from '../../store/schema.ts';
import { openDatabase } from '../../store/sqlite.ts';
import { mayRead } from '../channels/state.ts';
import { type MessageFilter, type MessageRow, messagesTable, selectMessages, toMessage } from './projection.ts';

const AGENTS = ['ann', 'bob', 'cyd'];
const CHANNELS = ['general', 'dm:ann:bob', 'dm:ann:ann', 'dm:bob:cyd', 'task:t1'];

/** Messages of every kind, each at a time of its own; some at the same, some deleted. */
const rows = Array.from({ length: 400 }, (_, i) => {
  const channel = CHANNELS[i % 7] ?? 'general';
  const [, a, b] = channel.startsWith('dm:') ? channel.split(':') : [];
  const from = (a === undefined ? AGENTS[i % 3] : i % 2 ? a : b) as string;
  const to = a === undefined ? (i % 5 === 0 ? AGENTS[i % 2] : undefined) : from === a ? b : a;
  const gone = i % 11 === 0 ? { deletedAt: 1 } : {};
  return { id: `m${i}`, seq: i + 1, from, to, channel, content: '', timestamp: 1_000 + Math.floor(i / 3), ...gone };
});

const database = openDatabase(':memory:');
database.exec(createStatements([messagesTable]));
const put = database.prepare('INSERT INTO messages (seq, id, doc) VALUES (?, ?, ?)');
for (const row of rows) put.run(row.seq, row.id, JSON.stringify(row));
afterAll(() => database.close());

function expected(filter: MessageFilter, agent: string | undefined, limit: number): string[] {
  const { from, to, channel, since = 0, before = Infinity, after = -1, beforeSeq } = filter;
  const last = beforeSeq === undefined ? undefined : rows.find(({ seq }) => seq >= beforeSeq);
  return rows
    .filter((row) => (channel === undefined ? mayRead(row.channel, agent) : row.channel === channel))
    .filter((row) => (from === undefined || row.from === from) && (to === undefined || row.to === to))
    .filter(({ timestamp }) => timestamp >= since && timestamp < before && timestamp > after)
    .filter((row) => row.deletedAt === undefined && (last === undefined || row.seq < last.seq))
    .reverse()
    .slice(0, limit)
    .map(({ id }) => id);
}

const agent = fc.constantFrom(...AGENTS);
const time = fc.integer({ min: 990, max: 1_150 });
const filters = fc.record(
  {
    from: agent,
    to: agent,
    channel: fc.constantFrom(...CHANNELS),
    since: time,
    before: time,
    after: time,
    beforeSeq: fc.integer({ min: 1, max: 410 }),
    rare: fc.boolean(),
  },
  { requiredKeys: [] },
);

test('a list has the newest that match and that the agent may read, whatever is asked together', () => {
  fc.assert(
    fc.property(
      filters,
      fc.option(agent, { nil: undefined }),
      fc.integer({ min: 1, max: 30 }),
      (filter, reader, limit) => {
        // Only a list by channel and sender asks for it.
        const rare =
          filter.rare && filter.channel !== undefined && filter.from !== undefined && filter.to === undefined;
        const { sql, params } = selectMessages({ ...filter, rare }, reader, limit);
        const found = database.prepare(sql).all(...params) as MessageRow[];
        expect(found.map((row) => toMessage(row).id)).toEqual(expected(filter, reader, limit));
      },
    ),
    { numRuns: 2_000 },
  );
});

describe('what is walked through', () => {
  const place = { since: 1, beforeSeq: 100 };
  test.each<[string, MessageFilter, string | undefined, string[]]>([
    ['nothing', {}, undefined, ['time']],
    ['nothing, by an agent', {}, 'ann', ['time', 'sender', 'recipient']],
    ['a sender', { from: 'bob' }, undefined, ['sender']],
    ['a sender, by an agent', { from: 'bob' }, 'ann', ['sender', 'channel']],
    ['what an agent sent itself', { from: 'ann' }, 'ann', ['sender', 'sender']],
    ['a recipient', { to: 'bob' }, undefined, ['recipient']],
    ['a recipient, by an agent', { to: 'bob' }, 'ann', ['recipient', 'channel']],
    ['what came to an agent itself', { to: 'ann' }, 'ann', ['recipient', 'recipient']],
    ['a channel', { channel: 'general' }, undefined, ['channel']],
    ['a channel and a recipient', { channel: 'general', to: 'bob' }, undefined, ['recipient']],
    ['a channel and a sender', { channel: 'general', from: 'bob' }, undefined, ['channel']],
    ['a channel and a rare sender', { channel: 'general', from: 'bob', rare: true }, undefined, ['sender']],
  ])('for %s is an index in its order, also from a time and a cursor on', (_, filter, reader, indexes) => {
    for (const more of [{}, place]) {
      const { sql, params } = selectMessages({ ...filter, ...more }, reader, 10);
      const plan = database.prepare(`EXPLAIN QUERY PLAN ${sql}`).all(...params) as { detail: string }[];
      const steps = plan
        .map(({ detail }) => detail)
        .filter((detail) => /messages/.test(detail) && !/PRIMARY KEY/.test(detail));
      expect(steps.map((step) => /messages_by_(\w+)/.exec(step)?.[1])).toEqual(indexes);
      for (const step of steps) expect(step).toMatch(more === place ? /^SEARCH .*\(ts,rowid\)</ : /^SEARCH /);
    }
  });
});
