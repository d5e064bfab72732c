import { z } from 'zod';
import { type Context, command, type LiveCollection } from '../../kernel/capability.ts';
import { type Draft, LATEST } from '../../kernel/event.ts';
import { SYSTEM } from '../../kernel/names.ts';
import { stamp } from '../../kernel/stamp.ts';
import { draftsOfNew } from '../tasks/index.ts';
import { parseInterval, type Schedule, timeAfter, timesBetween } from './schedule.ts';
import type { Recurring, RecurringState } from './state.ts';

interface State extends RecurringState {
  recurring: LiveCollection<Recurring>;
}

/** What recurs, before an event has its number. */
export type Plan = Omit<Recurring, 'seq'>;

/** Tasks for times that passed while the server slept, at most: more would bury a team. */
const MISSED = 100;

function scheduleOf({ every, cron, tz, start, createdAt }: Plan): Schedule {
  if (cron !== undefined) return { cron, tz: tz ?? 'UTC' };
  const interval = parseInterval(every as string) as number;
  return { every: interval, anchor: start ?? createdAt + interval };
}

/** The next time after `time`; undefined where it is over. */
export function nextAfter(plan: Plan, time: number): number | undefined {
  const next = timeAfter(scheduleOf(plan), time);
  return next === undefined || (plan.until !== undefined && next > plan.until) ? undefined : next;
}

/** Throws `too_large` where a task of it would not fit into an event, whenever it comes. */
export function requireFit(plan: Plan): void {
  const drafts = draftsAt(plan, LATEST, { id: `task-${LATEST}-xxxxxxxxx`, at: LATEST, seq: LATEST, nextAt: LATEST });
  stamp(drafts, { first: LATEST, now: LATEST, actor: SYSTEM, mark: undefined });
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
    if (recurring?.nextAt === undefined || recurring.nextAt > wall) return [];
    try {
      requireFit(recurring);
      return occurrences(recurring, context);
    } catch (error) {
      // One that was fine when it was made and is none now (a time zone that is gone) must not keep the others waiting.
      const { id, task, createdBy } = recurring;
      const fault = error instanceof Error ? error.message : String(error);
      return [{ type: 'recurring_failed', subject: id, data: { id, title: task.title, fault, notify: [createdBy] } }];
    }
  },
  answer: (events) => ({ made: events.filter(({ type }) => type === 'recurring_came').length }),
});

function occurrences(recurring: Recurring, context: Context<State>): Draft[] {
  const { id, until, missed } = recurring;
  const from = recurring.nextAt as number;
  const to = Math.min(context.wall, until ?? context.wall);
  const times = timesBetween(scheduleOf(recurring), from, to, missed === 'each' ? MISSED : 1);
  if (times.length === 0) {
    // A schedule that the library reads otherwise than when it was set: it goes on from now.
    const nextAt = nextAfter(recurring, context.wall) ?? null;
    return [{ type: 'recurring_updated', subject: id, data: { id, changes: {}, nextAt } }];
  }
  const drafts: Draft[] = [];
  for (const [i, scheduledAt] of times.entries()) {
    const at = drafts.length + 1;
    drafts.push(
      ...draftsAt(recurring, scheduledAt, {
        id: context.id('task'),
        at: context.now + at,
        seq: context.seq + at,
        nextAt: times[i + 1] ?? nextAfter(recurring, scheduledAt) ?? null,
        ...(i === 0 && scheduledAt > from && { skippedSince: from }),
      }),
    );
  }
  return drafts;
}

interface Occurrence {
  id: string;
  /** Of the event that makes the task. */
  at: number;
  seq: number;
  nextAt: number | null;
  skippedSince?: number;
}

/** The events of one time: that it came, and the task that is made for it. */
function draftsAt(plan: Plan, scheduledAt: number, { id, at, seq, ...rest }: Occurrence): Draft[] {
  const { task, due_in, createdBy } = plan;
  const due = due_in === undefined ? {} : { due: scheduledAt + due_in * 1_000 };
  return [
    { type: 'recurring_came', subject: plan.id, data: { id: plan.id, scheduledAt, task: id, ...rest } },
    ...draftsOfNew({ ...task, ...due, createdBy }, { id, at, seq, recurring: plan.id, scheduledAt }),
  ];
}

export const due = {
  at: (state: State) => state.recurring.first('next', '')?.nextAt,
  command: come,
  // A month of what recurs is made up for while others are answered.
  mayLag: true,
};
