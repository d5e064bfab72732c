import type { IndexView } from '../../kernel/capability.ts';
import { followed, type Inbox, type InboxItem, type Reason } from './state.ts';

export type Priority = 'high' | 'medium' | 'low';

const PRIORITY: Readonly<Record<Reason, Priority>> = {
  dm: 'high',
  mention: 'high',
  assigned: 'high',
  unblocked: 'high',
  review: 'high',
  reviewed: 'high',
  thread: 'medium',
};

const NEWS: Partial<Record<Reason, string>> = {
  assigned: 'Assigned to you',
  unblocked: 'Nothing blocks it any more',
  review: 'Your review is asked',
  reviewed: 'Your work was reviewed',
};

/** Something in an inbox: a message, or what became of a task as one. */
export interface Entry {
  seq: number;
  priority: Priority;
  reason: Reason | 'subscribed' | 'general';
  message: Record<string, unknown> & { id: string; from: string; content: string; channel: string; timestamp: number };
}

/** What of an inbox is wanted: events after one and up to another, not before a time, as of a time. */
export interface Window {
  after: number;
  upTo: number;
  /** Milliseconds since 1970. */
  since: number;
  now: number;
}

/** Not acknowledged by itself, and not given to be acknowledged until later. */
const OPEN = (item: string) =>
  `NOT EXISTS (SELECT 1 FROM inbox_acks a WHERE a.agent = ? AND a.item = ${item} AND (a.until IS NULL OR a.until > ?))`;

const ADDRESSED = `SELECT i.doc AS item, m.doc AS message FROM inbox_items i LEFT JOIN messages m ON m.seq = i.event
  WHERE i.agent = ? AND i.event > ? AND i.event <= ? AND i.at >= ? AND (i.message IS NULL OR (m.deleted = 0 AND m.ts > ?))
  AND ${OPEN('i.event')}`;
const NEWEST = 'ORDER BY i.event DESC LIMIT ?';
const reasons = (priority: Priority) =>
  Object.entries(PRIORITY)
    .filter(([, each]) => each === priority)
    .map(([reason]) => `'${reason}'`)
    .join(', ');

const IN_CHANNEL = `SELECT m.seq, m.doc FROM messages m WHERE m.channel = ? AND m.seq > ? AND m.seq <= ? AND m.deleted = 0
  AND m.sender <> ? AND m.ts >= ? AND m.ts > ? AND ${OPEN('m.seq')}
  AND NOT EXISTS (SELECT 1 FROM inbox_items i WHERE i.agent = ? AND i.event = m.seq) ORDER BY m.seq DESC LIMIT ?`;

interface AddressedRow {
  item: string;
  message: string | null;
}

function toEntry(row: AddressedRow): Entry {
  const item = JSON.parse(row.item) as InboxItem;
  const message =
    row.message !== null && item.message !== undefined
      ? (JSON.parse(row.message) as Entry['message'])
      : {
          id: `note-${item.event}`,
          from: item.from,
          content: `${NEWS[item.reason]}: ${item.text}`,
          timestamp: item.at,
          channel: item.channel,
          reactions: {},
          metadata: { task: item.task },
        };
  return { seq: item.event, priority: PRIORITY[item.reason], reason: item.reason, message };
}

/** What is addressed to the agent, oldest first. */
export function selectAddressed(
  view: IndexView,
  agent: string,
  window: Window,
  lastReadAt: number,
  limit: number,
): Entry[] {
  const { after, upTo, since, now } = window;
  return view
    .all<AddressedRow>(
      `${ADDRESSED} ORDER BY i.event LIMIT ?`,
      agent,
      after,
      upTo,
      since,
      lastReadAt,
      agent,
      now,
      limit,
    )
    .map(toEntry);
}

/** How much is addressed to the agent. */
export function countAddressed(view: IndexView, agent: string, window: Window, reason?: Reason): number {
  const { after, upTo, since, now } = window;
  const sql = `SELECT count(*) AS n FROM (${ADDRESSED}${reason === undefined ? '' : ` AND i.reason = '${reason}'`})`;
  return view.all<{ n: number }>(sql, agent, after, upTo, since, -1, agent, now)[0]?.n ?? 0;
}

/** The newest of one priority. */
function select(view: IndexView, inbox: Inbox, window: Window, priority: Priority, limit: number): Entry[] {
  const { agent, lastReadAt = -1 } = inbox;
  const { after, upTo, since, now } = window;
  const entries: Entry[] = [];
  const sql = `${ADDRESSED} AND i.reason IN (${reasons(priority)}) ${NEWEST}`;
  if (priority !== 'low')
    entries.push(...view.all<AddressedRow>(sql, agent, after, upTo, since, lastReadAt, agent, now, limit).map(toEntry));
  const channels = followed(inbox).filter((channel) => (channel === 'general') === (priority === 'low'));
  for (const channel of priority === 'high' ? [] : channels) {
    const rows = view.all<{ seq: number; doc: string }>(
      IN_CHANNEL,
      channel,
      after,
      upTo,
      agent,
      since,
      lastReadAt,
      agent,
      now,
      agent,
      limit,
    );
    const reason = priority === 'low' ? ('general' as const) : ('subscribed' as const);
    for (const { seq, doc } of rows)
      entries.push({ seq, priority, reason, message: JSON.parse(doc) as Entry['message'] });
  }
  return entries.sort((a, b) => b.seq - a.seq).slice(0, limit);
}

/** What is in an inbox: high first, then newest first; at most `limit`. */
export function selectInbox(
  view: IndexView,
  inbox: Inbox,
  window: Window,
  priorities: readonly Priority[],
  limit: number,
): Entry[] {
  const entries: Entry[] = [];
  for (const priority of priorities) {
    if (entries.length >= limit) break;
    entries.push(...select(view, inbox, window, priority, limit - entries.length));
  }
  return entries;
}

/** Messages of others in a channel that are neither acknowledged nor addressed, in a window. */
export function countInChannel(view: IndexView, inbox: Inbox, channel: string, { after, upTo, now }: Window): number {
  const { agent } = inbox;
  const sql = `SELECT count(*) AS n FROM (${IN_CHANNEL.replace(/ORDER BY .*$/, '')})`;
  return view.all<{ n: number }>(sql, channel, after, upTo, agent, 0, -1, agent, now, agent)[0]?.n ?? 0;
}
