import { signal } from '@preact/signals';
import type { Client, Event } from '../client/index.ts';

export type { Event };

/** Events that the page remembers. */
const MOST = 2_000;
/** Events from before the page was opened that it asks for. */
const BEFORE = 1_000;
/** Seconds of the pulse. */
export const PULSE = 900;

/** The newest events, oldest first; grows at its end. Read it where `eventCount` is read. */
export const recent: Event[] = [];
/** Events that came so far: changes with every one. */
export const eventCount = signal(0);
/** Since when every event is known: milliseconds since 1970. */
export const knownSince = signal(Date.now());

const perSecond = new Uint32Array(PULSE);
let newest = 0;
let timer: ReturnType<typeof setTimeout> | undefined;

function count({ at }: Event): void {
  const second = Math.floor(at / 1_000);
  if (second <= newest - PULSE) return;
  advance(second);
  const bucket = second % PULSE;
  perSecond[bucket] = (perSecond[bucket] ?? 0) + 1;
}

function advance(second: number): void {
  if (newest === 0) newest = second;
  for (let each = Math.max(newest + 1, second - PULSE + 1); each <= second; each++) perSecond[each % PULSE] = 0;
  newest = Math.max(newest, second);
}

/** Events in each of the last seconds, oldest first, up to the one that is over at `now`. */
export function pulse(now: number): number[] {
  const last = Math.floor(now / 1_000) - 1;
  advance(last);
  return Array.from({ length: PULSE }, (_, i) => {
    const second = last - PULSE + 1 + i;
    return second <= newest - PULSE ? 0 : (perSecond[((second % PULSE) + PULSE) % PULSE] ?? 0);
  });
}

/** Takes what has happened. */
export function note(events: readonly Event[]): void {
  for (const event of events) {
    count(event);
    recent.push(event);
  }
  if (recent.length > MOST * 1.5) recent.splice(0, recent.length - MOST);
  if (events.length > 0) timer ??= setTimeout(show, 12);
}

function show(): void {
  timer = undefined;
  eventCount.value++;
}

/** Asks for what happened shortly before the event `at`: at the start, and where the stream could not go on. */
export async function seed(client: Client<boolean>, at: number): Promise<void> {
  let before: Event[] = [];
  try {
    const answer = await client.events.list({ after: String(Math.max(0, at - BEFORE)), limit: BEFORE, all: true });
    before = (answer.events as Event[]).filter(({ seq }) => seq <= at);
  } catch {
    // Those of before may be gone; what comes is shown all the same.
  }
  const after = recent.filter(({ seq }) => seq > at);
  recent.length = 0;
  perSecond.fill(0);
  newest = 0;
  recent.push(...before, ...after);
  recent.forEach(count);
  knownSince.value = before[0] === undefined ? Date.now() : before[0].seq === 1 ? 0 : before[0].at;
  show();
}
