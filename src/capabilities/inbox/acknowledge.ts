import { z } from 'zod';
import { type Context, command, type QueryContext } from '../../kernel/capability.ts';
import { parseCursor } from '../../kernel/cursor.ts';
import { Refusal } from '../../kernel/errors.ts';
import type { Draft } from '../../kernel/event.ts';
import { EntityId, flag, wholeNumber } from '../../kernel/names.ts';
import { type Capture, capture, positionOf } from './list.ts';
import { countAddressed, countInChannel } from './listing.ts';
import { agent } from './schema.ts';
import { followed, type InboxState, inboxOf, isAcknowledged, itemId, type Reason, readUpToIn } from './state.ts';

const AckInput = z
  .object({
    agent,
    all: flag.optional().describe('1: everything up to now.'),
    messageIds: z.array(EntityId).max(1_000).optional().describe('Messages of the inbox by their ids.'),
    timestamp: wholeNumber(0, Number.MAX_SAFE_INTEGER)
      .optional()
      .describe('Everything up to this time, in milliseconds since 1970.'),
    cursor: z
      .string()
      .max(64)
      .optional()
      .describe('Everything up to this cursor: of a catch-up, of a wait, of a stream.'),
  })
  .refine(
    ({ all, messageIds, timestamp, cursor }) =>
      [all === true, messageIds !== undefined, timestamp !== undefined, cursor !== undefined].filter(Boolean).length ===
      1,
    'give one of all, messageIds, timestamp and cursor',
  );

interface Item {
  seq: number;
  reason?: Reason;
  channel?: string;
}

const NOTE = /^note-(\d{1,16})$/;

/** The event that brought a message of an inbox: the one that posted it, or that a note is of. None where it was deleted. */
function eventOf(state: InboxState, id: string): { seq: number; channel?: string; from?: string } | undefined {
  const note = NOTE.exec(id);
  if (note) return { seq: Number(note[1]) };
  const message = state.messages.get(id) as (Item & { from: string; deletedAt?: number }) | undefined;
  return message?.deletedAt === undefined ? message : undefined;
}

/** What of these ids is in the inbox and not acknowledged yet. */
function itemsOf(state: InboxState, agent: string, ids: readonly string[]): Item[] {
  const inbox = inboxOf(state, agent);
  const items = new Map<number, Item>();
  for (const id of ids) {
    const found = eventOf(state, id);
    if (found === undefined || found.seq <= inbox.ackedUpTo) continue;
    const key = itemId(agent, found.seq);
    if (isAcknowledged(state.inbox_acks.get(key))) continue;
    const reason = state.inbox_items.get(key)?.reason;
    const { channel, from } = found;
    if (reason === undefined && (channel === undefined || from === agent || !followed(inbox).includes(channel)))
      continue;
    items.set(found.seq, { seq: found.seq, ...(reason && { reason }), ...(channel !== undefined && { channel }) });
  }
  return [...items.values()];
}

/** The first event after a time of which an inbox may tell: times increase with events, but for what was imported. */
const AFTER_TIME = `SELECT min(seq) AS seq FROM (
  SELECT * FROM (SELECT seq FROM messages WHERE private = 0 AND ts > ? ORDER BY ts LIMIT 1)
  UNION ALL SELECT * FROM (SELECT event FROM inbox_items WHERE agent = ? AND event > ? AND at > ? ORDER BY event LIMIT 1))`;

export const acknowledge = command({
  name: 'inbox.ack',
  summary: 'Says what an agent has dealt with: it is never shown in its inbox again.',
  http: ['POST /inbox/:agent/ack'],
  actor: 'agent',
  complaint: 'messageIds, timestamp or all is required',
  input: AckInput,
  output: z.object({ success: z.literal(true), count: z.number().optional() }),
  async prepare({ agent, timestamp, cursor }, context: QueryContext<InboxState>): Promise<Capture | undefined> {
    if (timestamp === undefined && cursor === undefined) return undefined;
    const taken = capture(context.state, agent, context.head);
    const { inbox } = taken;
    const { epoch } = context;
    return context.index((view) => {
      let upTo: number;
      if (cursor !== undefined) {
        const place = parseCursor(cursor, epoch);
        if (place.epoch !== epoch || place.seq > taken.upTo)
          throw new Refusal('cursor_gone', 'The cursor is of another epoch of the journal, or ahead of it.');
        upTo = place.seq;
      } else {
        const time = timestamp as number;
        const [next] = view.all<{ seq: number | null }>(AFTER_TIME, time, agent, inbox.ackedUpTo, time);
        upTo = next?.seq == null ? taken.upTo : Math.min(next.seq - 1, taken.upTo);
      }
      const stands = { ...inbox, readUpTo: Math.max(upTo, inbox.readUpTo) };
      // What was given to be acknowledged, and was not, is unread as well.
      const rest = { after: stands.readUpTo, upTo: taken.upTo, since: 0, now: Number.MAX_SAFE_INTEGER };
      const seen = Object.entries(taken.seen).map(([channel, n]) => [
        channel,
        n - countInChannel(view, inbox, channel, { ...rest, after: readUpToIn(stands, channel) }),
      ]);
      return {
        ...taken,
        upTo,
        addressed: taken.addressed - countAddressed(view, agent, rest),
        mentions: taken.mentions - countAddressed(view, agent, rest, 'mention'),
        seen: Object.fromEntries(seen) as Record<string, number>,
      };
    });
  },
  decide({ agent, messageIds }, { state, seq }: Context<InboxState>, upToThere): Draft[] {
    if (messageIds !== undefined) {
      const items = itemsOf(state, agent, messageIds);
      return items.length === 0 ? [] : [{ type: 'inbox_acknowledged', subject: agent, data: { agent, items } }];
    }
    const taken = upToThere ?? capture(state, agent, seq - 1);
    if (taken.upTo <= inboxOf(state, agent).ackedUpTo) return [];
    const data = { agent, acknowledged: true, ...positionOf(taken, state) };
    return [{ type: 'inbox_acknowledged', subject: agent, data }];
  },
  answer([event], _: InboxState, { messageIds }) {
    return {
      success: true as const,
      ...(messageIds !== undefined && { count: ((event?.data.items ?? []) as Item[]).length }),
    };
  },
});
