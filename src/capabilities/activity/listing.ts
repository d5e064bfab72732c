import { z } from 'zod';
import type { IndexView } from '../../kernel/capability.ts';
import { formatCursor } from '../../kernel/cursor.ts';
import { capBytes, listOutput, pick, shorten } from '../../kernel/page.ts';
import type { Message } from '../messages/state.ts';
import type { Place } from './places.ts';
import type { ActivityRow } from './state.ts';

/** An event as a list shows it. */
export const ActivityEvent = z.object({
  id: z.string().meta({ description: 'The cursor of the event: /events?after=<id> goes on after it.' }),
  type: z.string(),
  timestamp: z.number().meta({ description: 'When it happened, in milliseconds since 1970.' }),
  actor: z.string().meta({ description: 'Who did it.' }),
  subject: z.string().optional().meta({ description: 'What it was done to.' }),
  data: z.record(z.string(), z.unknown()),
});
type ActivityEvent = z.infer<typeof ActivityEvent>;

export const ActivityPage = z.object({
  events: z.array(ActivityEvent.partial()),
  count: z.number().meta({ description: 'Events in this answer.' }),
  ...listOutput,
});

/** How the caller wants its page. */
interface Presentation {
  epoch: string;
  limit: number;
  fields: string | undefined;
  compact: boolean | undefined;
}

/** What an event has beside its row. */
const ENVELOPE = 64;

/** Reads the events at these places, one more than a page where there are more, and shows as many as the byte cap holds. */
export function showPlaces(
  view: IndexView,
  places: readonly Place[],
  { epoch, limit, fields, compact }: Presentation,
): z.input<typeof ActivityPage> {
  const whole = fields === undefined && !compact;
  function* shown() {
    for (const place of places.slice(0, limit)) {
      const [row] = view.all<{ doc: string }>(`SELECT doc FROM ${place.source} WHERE seq = ?`, place.seq);
      const { doc } = row as { doc: string };
      const event = eventOf(place, doc, formatCursor(epoch, place.seq));
      const [item] = pick([compact ? { ...event, data: shortened(event.data) } : event], fields);
      const bytes = whole ? Buffer.byteLength(doc) + ENVELOPE : Buffer.byteLength(JSON.stringify(item)) + 1;
      yield { id: event.id, item: item as Partial<ActivityEvent>, bytes };
    }
  }
  const { taken, cut } = capBytes(shown(), ({ bytes }) => bytes);
  const more = cut || places.length > limit;
  return {
    events: taken.map(({ item }) => item),
    count: taken.length,
    ...(more && { more, cursor: taken.at(-1)?.id as string }),
  };
}

function eventOf({ source, ts: timestamp }: Place, doc: string, id: string): ActivityEvent {
  if (source === 'messages') {
    const message = JSON.parse(doc) as Message;
    const data = message as unknown as Record<string, unknown>;
    return { id, type: 'message_posted', timestamp, actor: message.from, subject: message.id, data };
  }
  const { type, actor, subject, data } = JSON.parse(doc) as ActivityRow;
  return { id, type, timestamp, actor, ...(subject !== undefined && { subject }), data };
}

/** Characters of a text in a compact list. */
const COMPACT = 280;
/** What a compact list leaves out. */
const RARE = new Set(['metadata', 'attachments']);

function shortened(data: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(data)
      .filter(([name, value]) => !RARE.has(name) && !isEmpty(value))
      .map(([name, value]) => [name, shortText(value)]),
  );
}

function isEmpty(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.keys(value).length === 0;
}

function shortText(value: unknown): unknown {
  if (typeof value === 'string') return shorten(value, COMPACT);
  if (Array.isArray(value)) return value.map(shortText);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, shortText(member)]));
}
