import type { Readers, ReadersOf } from '../../kernel/capability.ts';
import type { Entities } from '../../kernel/collection.ts';
import type { Event } from '../../kernel/event.ts';

/** An event as the index keeps it. */
export interface ActivityRow extends Event {
  /** None: everybody. */
  readers?: Readers;
}

export interface ActivityState {
  activity: Entities<ActivityRow>;
}

const TEXTS: ReadonlySet<string> = new Set(['message_edited', 'memory_written', 'memory_changed']);

/** Keeps every event but posts: those are found among the messages, so that posting costs nothing more. */
export function apply(state: ActivityState, event: Event, readersOf: ReadersOf): void {
  if (event.type === 'message_posted') return;
  const shown = TEXTS.has(event.type) ? withoutText(event) : event;
  const readers = readersOf(event);
  state.activity.put(String(event.seq), readers === undefined ? shown : { ...shown, readers });
}

/** What a message or a memory says stands in the message or the memory alone, as it is now. */
function withoutText(event: Event): Event {
  const { content: _, ...data } = event.data;
  return { ...event, data };
}
