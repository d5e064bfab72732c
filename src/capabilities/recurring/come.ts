import { z } from 'zod';
import { type Context, command, type LiveCollection } from '../../kernel/capability.ts';
import type { Draft } from '../../kernel/event.ts';
import { draftsOfNew } from '../tasks/index.ts';
import { parseInterval, type Schedule, timeAfter, timesBetween } from './schedule.ts';
import type { Recurring, RecurringState } from './state.ts';

interface State extends RecurringState {
  recurring: LiveCollection<Recurring>;
}

/** Tasks for times that passed while the server slept, at most: more would bury a team. */
const MISSED = 100;

/** The schedule of what recurs. */
export function scheduleOf({ every, cron, tz, start, createdAt }: Omit<Recurring, 'id' | 'seq'>): Schedule {
  if (cron !== undefined) return { cron, tz: tz ?? 'UTC' };
  const interval = parseInterval(every as string) as number;
  return { every: interval, anchor: start ?? createdAt + interval };
}

/** The next time after `time`; undefined where it is over. */
export function nextAfter(recurring: Omit<Recurring, 'id' | 'seq'>, time: number): number | undefined {
  const next = timeAfter(scheduleOf(recurring), time);
  return next === undefined || (recurring.until !== undefined && next > recurring.until) ? undefined : next;
}

/** Makes the tasks whose time has come. No door shows this: the server does it by itself. */
const come = command({
  name: 'recurring.come',
  summary: 'Makes the tasks whose time has come, one for each time.',
  http: [],
  input: z.object({}),
  output: z.object({ made: z.number() }),
  decide(_, context: Context<State>) {
    const { state, wall } = context;
    const recurring = state.recurring.first('next', '');
    return recurring?.nextAt === undefined || recurring.nextAt > wall ? [] : occurrences(recurring, context);
  },
  answer: (events) => ({ made: events.filter(({ type }) => type === 'recurring_came').length }),
});

function occurrences(recurring: Recurring, context: Context<State>): Draft[] {
  const { id, task, createdBy, due_in, missed } = recurring;
  const from = recurring.nextAt as number;
  const to = Math.min(context.wall, recurring.until ?? context.wall);
  const times = timesBetween(scheduleOf(recurring), from, to, missed === 'each' ? MISSED : 1);
  const drafts: Draft[] = [];
  if (times.length === 0) {
    // A schedule that the library reads otherwise than when it was set: it goes on from now.
    const nextAt = nextAfter(recurring, context.wall) ?? null;
    return [{ type: 'recurring_updated', subject: id, data: { id, changes: {}, nextAt } }];
  }
  for (const [i, scheduledAt] of times.entries()) {
    const next = nextAfter(recurring, scheduledAt);
    const made = context.id('task');
    const skipped = i === 0 && scheduledAt > from;
    drafts.push({
      type: 'recurring_came',
      subject: id,
      data: { id, scheduledAt, task: made, nextAt: next ?? null, ...(skipped && { skippedSince: from }) },
    });
    const due = due_in === undefined ? {} : { due: scheduledAt + due_in * 1_000 };
    const at = drafts.length;
    drafts.push(
      ...draftsOfNew(
        { ...task, ...due, createdBy },
        { id: made, at: context.now + at, seq: context.seq + at, recurring: id, scheduledAt },
      ),
    );
  }
  return drafts;
}

export const due = {
  at: (state: State) => state.recurring.first('next', '')?.nextAt,
  command: come,
};
