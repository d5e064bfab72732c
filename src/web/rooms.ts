import { computed, effect, signal } from '@preact/signals';
import { kept } from './kept.ts';
import { me } from './me.ts';
import { route } from './route.ts';
import { type Channel, channels, ready } from './store.ts';

/** Channels that are there before anybody has spoken in them. */
const DEFAULTS = ['general', 'problems', 'shipping', 'dev', 'decisions'];

/** The channel that is shown. */
export const chosen = signal(kept.read('channel') ?? 'general');
/** The thread that is shown in its place. */
export const thread = signal<string | undefined>(undefined);

/** Shows a channel. */
export function choose(channel: string): void {
  thread.value = undefined;
  chosen.value = channel;
  kept.write('channel', channel);
}

effect(() => {
  const { pane, id } = route.value;
  if (pane === 'channel' && id !== undefined) choose(id);
});

/** A channel as the rail shows it. */
export interface Room {
  id: string;
  /** What people read. */
  label: string;
  kind: 'channel' | 'direct';
  count: number;
  lastActivity: number;
}

/** The other end of direct messages; undefined for every other channel. */
export function otherEnd(channel: string): string | undefined {
  if (!channel.startsWith('dm:')) return undefined;
  const [, a = '', b = ''] = channel.split(':');
  return a === me.value ? b : a;
}

function roomOf({ id, name, count, lastActivity }: Channel): Room {
  const other = otherEnd(id);
  return { id, label: other ?? name, kind: other === undefined ? 'channel' : 'direct', count, lastActivity };
}

/** Channels and direct messages: those that are always there first, then by name; threads of tasks are none. */
export const rooms = computed<readonly Room[]>(() => {
  const known = new Map(
    channels.value
      .filter(({ archived, id }) => !archived && !id.startsWith('task:'))
      .map((each) => [each.id, roomOf(each)]),
  );
  for (const id of [...DEFAULTS, ...(chosen.value.startsWith('task:') ? [] : [chosen.value])])
    if (!known.has(id))
      known.set(id, roomOf({ id, name: id, count: 0, lastActivity: 0, createdAt: 0, participants: [] }));
  const rank = ({ id, kind }: Room) => (kind === 'direct' ? 2 : DEFAULTS.includes(id) ? 0 : 1);
  return [...known.values()].sort(
    (a, b) =>
      rank(a) - rank(b) ||
      (rank(a) === 0 ? DEFAULTS.indexOf(a.id) - DEFAULTS.indexOf(b.id) : a.label.localeCompare(b.label)),
  );
});

/** What was seen of a channel: how many messages it had, and the newest of them. */
interface Seen {
  count: number;
  seq: number;
}

const seenKey = () => `seen.${me.value ?? ''}`;
const seen = signal<Readonly<Record<string, Seen>>>({});
let of: string | undefined;

/** Reads what was seen by who sits here; who comes for the first time has seen what there is. */
effect(() => {
  if (!ready.value || of === seenKey()) return;
  of = seenKey();
  try {
    const before = JSON.parse(kept.read(of) ?? 'null') as Record<string, Seen> | null;
    seen.value =
      before ??
      Object.fromEntries(channels.peek().map(({ id, count }) => [id, { count, seq: Number.MAX_SAFE_INTEGER }]));
    if (before === null) kept.write(of, JSON.stringify(seen.peek()));
  } catch {
    seen.value = {};
  }
});

/** How many messages of a channel were not seen. */
export function unreadOf({ id, count }: Pick<Room, 'id' | 'count'>): number {
  return Math.max(0, count - (seen.value[id]?.count ?? 0));
}

/** The newest message of a channel that was seen: its seq. */
export function seenUpTo(channel: string): number {
  return seen.value[channel]?.seq ?? 0;
}

/** All of a channel up to this message was seen. */
export function see(channel: string, count: number, seq: number): void {
  const before = seen.peek()[channel];
  if (before?.count === count && before.seq === seq) return;
  seen.value = { ...seen.peek(), [channel]: { count, seq } };
  kept.write(seenKey(), JSON.stringify(seen.peek()));
}
