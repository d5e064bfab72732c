import type { IndexView } from '../../kernel/capability.ts';
import { type Channel, dmEnds, TASK_THREAD } from '../channels/state.ts';
import { countAddressed, type Entry, selectAddressed } from '../inbox/index.ts';
import type { Task } from '../tasks/state.ts';
import { bytesOf, oneLine, Room } from './room.ts';

/** Bytes of a token, about: what a budget in tokens is counted by. */
export const BYTES_A_TOKEN = 4;
/** The share of the budget that what is addressed to the agent may fill. */
const ADDRESSED_SHARE = 0.6;
/** Things that are looked at for one digest at most. */
const LOOKED_AT = 400;
/** Bytes of the smallest item. */
const SMALLEST = 64;
const LOUDEST = 3;
const NAMED_CHANNELS = 12;
/** As many bytes as are needed to count the channels that are not named. */
const COUNTED = { otherChannels: { channels: 1e6, messages: 1e9 } };

/** A stretch of events: after one, up to another. */
export interface Stretch {
  after: number;
  upTo: number;
}

export interface Item {
  id: string;
  from: string;
  channel: string;
  reason?: string;
  text: string;
}

export interface TaskLine {
  id: string;
  title: string;
  status: string;
  assignee?: string;
}

/** Some of a kind, and how many there are in all. */
export interface Section<T> {
  total: number;
  items: T[];
}

/** Channels that are not named, and how many messages were posted there in all. */
interface Others {
  channels: number;
  messages: number;
}

export interface Digest {
  upTo: number;
  addressed: Section<Item>;
  decisions: Section<Item>;
  tasks: Section<TaskLine>;
  channels: Record<string, number>;
  /** What is not among these. */
  otherChannels?: Others;
  threads: { id: string; channel: string; replies: number; text: string }[];
}

/** A digest of nothing. */
export const NOTHING: Digest = {
  upTo: 0,
  addressed: { total: 0, items: [] },
  decisions: { total: 0, items: [] },
  tasks: { total: 0, items: [] },
  channels: {},
  threads: [],
};

function* each<T, R>(values: readonly T[], map: (value: T) => R): Generator<R, void> {
  for (const value of values) yield map(value);
}

/** An item with as much of its text as there is room for. */
function atLeast(entry: Entry, room: Room): Item {
  let length = 40;
  while (length > 0 && !room.fits(toItem(entry, length))) length -= 10;
  const item = toItem(entry, length);
  room.take(item);
  return item;
}

function toItem({ message, reason }: Pick<Entry, 'message' | 'reason'>, length: number): Item {
  const { id, from, channel, content } = message;
  return { id, from, channel, reason, text: oneLine(content, length) };
}

const DECISIONS = `SELECT doc FROM messages WHERE channel = 'decisions' AND seq > ? AND seq <= ? AND deleted = 0 AND sender <> ?
  AND NOT EXISTS (SELECT 1 FROM inbox_items i WHERE i.agent = ? AND i.event = messages.seq) ORDER BY seq`;
const POSTED = 'SELECT count(*) AS n FROM messages WHERE channel = ? AND seq > ? AND seq <= ?';
const REPLIES = `SELECT thread, count(*) AS n FROM messages WHERE thread IS NOT NULL AND private = 0 AND seq > ? AND seq <= ?
  GROUP BY thread ORDER BY n DESC, thread LIMIT 20`;
const FIRST = 'SELECT doc FROM messages WHERE id = ? AND deleted = 0 AND private = 0';

export interface Sources {
  view: IndexView;
  agent: string;
  channels: Iterable<Channel>;
  /** Newest update first. */
  tasks: Iterable<Task>;
}

/**
 * What an agent should know of a stretch of events, within a number of bytes of JSON: first what is addressed to it.
 * Where not all of that fits, the stretch ends with the last that does, and all the rest is of that stretch as well:
 * whoever goes on from there misses nothing and reads nothing twice.
 */
export function digest({ view, agent, channels, tasks }: Sources, { after, upTo }: Stretch, bytes: number): Digest {
  const room = new Room(bytes);
  room.take(COUNTED);
  const length = Math.max(60, Math.min(280, Math.floor(bytes / 12)));
  const window = { after, upTo, since: 0, now: Number.MAX_SAFE_INTEGER };
  const entries = selectAddressed(view, agent, window, -1, Math.min(LOOKED_AT, Math.ceil(bytes / SMALLEST)));
  const total = countAddressed(view, agent, window);
  const own = room.part(ADDRESSED_SHARE);
  const items = own.fill(each(entries, (entry) => toItem(entry, length)));
  room.give(own);
  // One at least, whatever the budget: else nobody would ever get beyond it.
  if (items.length === 0 && entries[0]) items.push(atLeast(entries[0], room));
  const until = items.length < total ? (entries[items.length - 1]?.seq ?? upTo) : upTo;
  const stretch = { after, upTo: until };
  const counts = channelCounts(view, channels, stretch);
  const loud = room.fill(counts.slice(0, NAMED_CHANNELS));
  const otherChannels = othersOf(counts.slice(loud.length));
  if (otherChannels === undefined) room.give({ bytes: bytesOf(COUNTED) + 1 });
  const decided = decisionsOf(view, agent, stretch, length);
  const decisions = room.part(0.5);
  const decisionItems = decisions.fill(decided.items);
  room.give(decisions);
  const mine = tasksOf(tasks, agent, stretch);
  const changed = room.part(0.7);
  const taskItems = changed.fill(mine);
  room.give(changed);
  return {
    upTo: until,
    addressed: { total, items },
    decisions: { total: decided.total, items: decisionItems },
    tasks: { total: mine.length, items: taskItems },
    channels: Object.fromEntries(loud),
    ...(otherChannels && { otherChannels }),
    threads: room.fill(loudest(view, stretch)),
  };
}

function decisionsOf(view: IndexView, agent: string, { after, upTo }: Stretch, length: number): Section<Item> {
  const rows = view.all<{ doc: string }>(`${DECISIONS} LIMIT ${LOOKED_AT}`, after, upTo, agent, agent);
  const [count] = view.all<{ n: number }>(`SELECT count(*) AS n FROM (${DECISIONS})`, after, upTo, agent, agent);
  const items = rows.map(({ doc }) => {
    const { reason: _, ...item } = toItem({ message: JSON.parse(doc), reason: 'subscribed' }, length);
    return item;
  });
  return { total: count?.n ?? 0, items };
}

/** Tasks that the agent does, made or reviews and that changed, newest first. */
function tasksOf(tasks: Iterable<Task>, agent: string, { after, upTo }: Stretch): TaskLine[] {
  const lines: TaskLine[] = [];
  let looked = 0;
  for (const { id, title, status, assignee, createdBy, reviewer, seq } of tasks) {
    if (seq <= after || looked++ === 10 * LOOKED_AT) break;
    if (seq > upTo || ![assignee, createdBy, reviewer].includes(agent)) continue;
    lines.push({ id, title: oneLine(title, 100), status, ...(assignee !== undefined && { assignee }) });
  }
  return lines;
}

/** Messages posted to each channel that everybody may read, the loudest first. */
function channelCounts(view: IndexView, channels: Iterable<Channel>, { after, upTo }: Stretch): [string, number][] {
  const counts: [string, number][] = [];
  for (const { id } of channels) {
    if (id.startsWith(TASK_THREAD) || dmEnds(id) !== undefined) continue;
    const n = view.all<{ n: number }>(POSTED, id, after, upTo)[0]?.n ?? 0;
    if (n > 0) counts.push([id, n]);
  }
  return counts.sort(([a, n], [b, m]) => m - n || (a < b ? -1 : 1));
}

function othersOf(counts: readonly [string, number][]): Others | undefined {
  if (counts.length === 0) return undefined;
  return { channels: counts.length, messages: counts.reduce((sum, [, n]) => sum + n, 0) };
}

function loudest(view: IndexView, { after, upTo }: Stretch): Digest['threads'] {
  const threads: Digest['threads'] = [];
  for (const { thread, n } of view.all<{ thread: string; n: number }>(REPLIES, after, upTo)) {
    const [row] = view.all<{ doc: string }>(FIRST, thread);
    if (row === undefined) continue;
    const { channel, content } = JSON.parse(row.doc) as Entry['message'];
    threads.push({ id: thread, channel, replies: n, text: oneLine(content, 80) });
    if (threads.length === LOUDEST) break;
  }
  return threads;
}
