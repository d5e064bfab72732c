import type { z } from 'zod';
import { formatCursor } from '../../kernel/cursor.ts';
import { capBytes, LIST_BYTES, pick, shorten } from '../../kernel/page.ts';
import { type MessageRow, toMessage } from './projection.ts';
import type { Message as MessageOutput } from './schema.ts';
import type { Message } from './state.ts';

/** Rows are newest first; the answer is oldest first and goes on towards older ones. */
export function answerList(
  rows: readonly MessageRow[],
  limit: number,
  epoch: string,
  fields: string | undefined,
  compact: boolean | undefined,
) {
  const { taken, cut } = presentRows(rows.slice(0, limit), fields, compact);
  const more = cut || rows.length > limit;
  return {
    messages: taken.map(({ item }) => item).reverse(),
    ...(more && { more, cursor: formatCursor(epoch, taken.at(-1)?.seq ?? 0) }),
  };
}

type Presented = z.input<typeof MessageOutput>;

/** Rows as they are shown, as many from the front as the byte cap holds beside `first`. */
export function presentRows(
  rows: readonly MessageRow[],
  fields: string | undefined,
  compact: boolean | undefined,
  first: readonly Presented[] = [],
): { taken: { seq: number; item: Presented }[]; cut: boolean } {
  const whole = fields === undefined && !compact;
  const items = rows.map((row) => ({
    doc: row.doc,
    seq: row.seq,
    item: present([toMessage(row)], fields, compact)[0] as Presented,
  }));
  return capBytes(
    items,
    // A whole message is its row and the count of its replies.
    ({ doc, item }) => (whole ? Buffer.byteLength(doc) + REPLY_COUNT_BYTES : bytesOf(item)),
    LIST_BYTES - bytesOf(first),
  );
}

/** `,"replyCount":0` and the comma after the message. */
const REPLY_COUNT_BYTES = 16;

function bytesOf(value: unknown): number {
  return Buffer.byteLength(JSON.stringify(value)) + 1;
}

/** Characters of a message in a compact list. */
const COMPACT = 280;

/** Messages as a list shows them: whole, in part, or short. */
export function present(
  messages: readonly Message[],
  fields: string | undefined,
  compact: boolean | undefined,
): z.input<typeof MessageOutput>[] {
  const shown = messages.map((message) =>
    compact ? toCompact(message) : { ...message, replyCount: message.replyCount ?? 0 },
  );
  return pick(shown, fields) as z.input<typeof MessageOutput>[];
}

function toCompact({
  id,
  from,
  to,
  content,
  timestamp,
  channel,
  threadId,
  replyCount,
  reactions,
}: Message): Partial<Message> {
  return {
    id,
    from,
    ...(to !== undefined && { to }),
    content: shorten(content, COMPACT),
    timestamp,
    channel,
    ...(threadId !== undefined && { threadId }),
    ...(replyCount && { replyCount }),
    ...(Object.keys(reactions).length > 0 && { reactions }),
  };
}
