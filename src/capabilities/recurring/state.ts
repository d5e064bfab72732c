import type { Entities } from '../../kernel/collection.ts';
import type { Event } from '../../kernel/event.ts';

/** A task that comes again and again. Times are milliseconds since 1970. */
export interface Recurring {
  id: string;
  /** What each of its tasks says. */
  task: { title: string } & Record<string, unknown>;
  /** As it was given: `15m`. */
  every?: string;
  /** A cron expression, and the time zone that it is read in. */
  cron?: string;
  tz?: string;
  /** From which `every` is counted. */
  start?: number;
  /** No task is made for a time after this one. */
  until?: number;
  /** Seconds from the time it is for until a task is due. */
  due_in?: number;
  /** After the server slept: a task for each time that it missed, or for the latest alone. */
  missed: 'each' | 'latest';
  paused?: boolean;
  /** Why the server paused it. */
  fault?: string;
  /** When the next task is made; none where it is over or paused. */
  nextAt?: number;
  lastAt?: number;
  /** Tasks that it has made. */
  made: number;
  /** The first of the times that were last passed over. */
  skippedSince?: number;
  createdBy: string;
  createdAt: number;
  updatedAt: number;
  /** The event that last changed it. */
  seq: number;
}

export interface RecurringState {
  recurring: Entities<Recurring>;
}

/** Folds what recurs. */
export function apply(state: RecurringState, event: Event): void {
  if (!event.type.startsWith('recurring_')) return;
  const id = event.subject as string;
  const { seq, at, data } = event;
  if (event.type === 'recurring_created') {
    state.recurring.put(id, { ...(data as unknown as Recurring), seq });
    return;
  }
  const before = state.recurring.get(id);
  if (before === undefined) return;
  if (event.type === 'recurring_deleted') return state.recurring.delete(id);
  const after: Record<string, unknown> & Recurring = { ...before, seq };
  if (event.type === 'recurring_updated') {
    for (const [field, value] of Object.entries(data.changes as Record<string, unknown>)) {
      if (value === null) delete after[field];
      else after[field] = value;
    }
    after.updatedAt = at;
    if (!after.paused) delete after.fault;
  }
  if (event.type === 'recurring_failed') {
    after.paused = true;
    after.fault = data.fault as string;
    delete after.nextAt;
  }
  if (event.type === 'recurring_came') {
    after.lastAt = data.scheduledAt as number;
    after.made = before.made + 1;
    if (typeof data.skippedSince === 'number') after.skippedSince = data.skippedSince;
  }
  if (data.nextAt === null) delete after.nextAt;
  else if (typeof data.nextAt === 'number') after.nextAt = data.nextAt;
  state.recurring.put(id, after);
}
