import type { CollectionSpec, IndexView } from '../../kernel/capability.ts';
import { dmChannel, dmEnds } from '../channels/state.ts';
import type { Message } from './state.ts';

/** Messages in the index: one row each, found by channel, by sender, by recipient, by thread and by time. */
export const messagesTable: CollectionSpec = {
  name: 'messages',
  keep: 'history',
  columns: {
    channel: "TEXT AS (doc ->> 'channel') STORED",
    sender: "TEXT AS (doc ->> 'from') STORED",
    recipient: "TEXT AS (doc ->> 'to') STORED",
    thread: "TEXT AS (doc ->> 'threadId') STORED",
    ts: "INTEGER AS (doc ->> 'timestamp') STORED",
    // 1: for the two ends of a direct channel. 2: a note of the server's own, shown where its channel is asked for.
    private:
      "INTEGER AS (CASE WHEN channel LIKE 'dm:%' THEN 1 WHEN sender = 'system' AND channel LIKE 'task:%' THEN 2 ELSE 0 END) STORED",
    deleted: "INTEGER AS (doc ->> 'deletedAt' IS NOT NULL) STORED",
  },
  indexes: [
    'CREATE INDEX messages_by_channel ON messages (channel, ts)',
    'CREATE INDEX messages_in_order ON messages (channel, seq)',
    'CREATE INDEX messages_replies ON messages (seq, thread, private) WHERE thread IS NOT NULL',
    'CREATE INDEX messages_by_time ON messages (private, ts)',
    'CREATE INDEX messages_by_sender ON messages (sender, private, ts)',
    'CREATE INDEX messages_by_recipient ON messages (recipient, private, ts) WHERE recipient IS NOT NULL',
    'CREATE INDEX messages_by_thread ON messages (thread, seq) WHERE thread IS NOT NULL',
  ],
};

/** Which messages a list wants. Times are milliseconds since 1970. */
export interface MessageFilter {
  from?: string | undefined;
  to?: string | undefined;
  channel?: string | undefined;
  since?: number | undefined;
  before?: number | undefined;
  after?: number | undefined;
  /** Only messages that come before this one in the list's order. */
  beforeSeq?: number | undefined;
  /** Few of the channel's messages are by this sender: they are looked for among all of the sender's. */
  rare?: boolean | undefined;
}

/** A row as it is read: the message as JSON, and the event that posted it. */
export interface MessageRow {
  doc: string;
  seq: number;
}

type Params = (string | number)[];

/** A condition that an index answers in the order of time. The index is named: left to itself, SQLite may take a longer way. */
interface Walk {
  index: string;
  where: string;
  params: Params;
}

function walk(by: string, where: string, ...params: Params): Walk {
  return { index: `messages_by_${by}`, where, params };
}

/** What to walk through for a list; the walks never show one message twice. */
function walksOf({ channel, from, to, rare }: MessageFilter, agent: string | undefined): Walk[] {
  if (channel !== undefined) {
    const isPrivate = dmEnds(channel) !== undefined;
    if (to !== undefined && !isPrivate) return [walk('recipient', 'private = 0')];
    return rare ? [walk('sender', `private = ${isPrivate ? 1 : 0}`)] : [walk('channel', '1')];
  }
  const open = walk(to !== undefined ? 'recipient' : from !== undefined ? 'sender' : 'time', 'private = 0');
  if (agent === undefined) return [open];
  const others = [from, to].filter((each) => each !== undefined && each !== agent) as string[];
  if (others.length === 2) return [open];
  if (others[0] !== undefined) return [open, walk('channel', 'channel = ?', dmChannel(agent, others[0]))];
  const sent = walk('sender', 'private = 1 AND sender = ?', agent);
  if (to === agent) return [open, walk('recipient', 'private = 1')];
  if (from === agent) return [open, sent];
  return [open, sent, walk('recipient', 'private = 1 AND recipient = ? AND sender <> ?', agent, agent)];
}

/** The statement for the newest `limit` messages that match and that the agent may read, newest first. */
export function selectMessages(
  filter: MessageFilter,
  agent: string | undefined,
  limit: number,
): { sql: string; params: Params } {
  const where: string[] = ['deleted = 0'];
  const params: Params = [];
  const add = (sql: string, value: string | number | undefined) => {
    if (value === undefined) return;
    where.push(sql);
    params.push(value);
  };
  add('channel = ?', filter.channel);
  add('sender = ?', filter.from);
  add('recipient = ?', filter.to);
  add('ts >= ?', filter.since);
  add('ts < ?', filter.before);
  add('ts > ?', filter.after);
  add(BEFORE, filter.beforeSeq);
  const walks = walksOf(filter, agent);
  const order = 'ORDER BY ts DESC, seq DESC';
  const selects = walks.map(
    (each) =>
      `SELECT * FROM (SELECT ts, seq, doc FROM messages INDEXED BY ${each.index} WHERE ${[each.where, ...where].join(' AND ')} ${order} LIMIT ${limit})`,
  );
  return {
    sql:
      selects.length === 1
        ? (selects[0] as string)
        : `SELECT * FROM (${selects.join(' UNION ALL ')}) ${order} LIMIT ${limit}`,
    params: walks.flatMap((each) => [...each.params, ...params]),
  };
}

/** Before the message of a cursor; a cursor of another event stands before the next message, or after the last. */
const BEFORE =
  '(ts, seq) < (SELECT * FROM (SELECT ts, seq FROM messages WHERE seq >= ? ORDER BY seq LIMIT 1) UNION ALL SELECT 9e15, 9e15 LIMIT 1)';

/** The replies of a thread, without deleted ones, after seq `after`, oldest first. */
export function selectReplies(view: IndexView, threadId: string, after: number, limit: number): MessageRow[] {
  return view.all(
    'SELECT seq, doc FROM messages WHERE thread = ? AND seq > ? AND deleted = 0 ORDER BY seq LIMIT ?',
    threadId,
    after,
    limit,
  );
}

/** The message of a row. */
export function toMessage({ doc }: { doc: string }): Message {
  return JSON.parse(doc) as Message;
}
