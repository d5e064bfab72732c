import { z } from 'zod';
import {
  type Context,
  capability,
  command,
  type LiveCollection,
  type QueryContext,
  query,
} from '../../kernel/capability.ts';
import { Refusal } from '../../kernel/errors.ts';
import { AgentName } from '../../kernel/names.ts';
import type { OrderSpec } from '../../kernel/order.ts';
import { capBytes, listInput, listOutput } from '../../kernel/page.ts';
import { due, nextAfter } from './come.ts';
import { faultOf } from './schedule.ts';
import { CreateInput, RecurringId, RecurringOutput, UpdateInput } from './schema.ts';
import { apply, type Recurring, type RecurringState } from './state.ts';

interface State extends RecurringState {
  recurring: LiveCollection<Recurring>;
}

type Output = z.input<typeof RecurringOutput>;

function find(state: RecurringState, id: string): Recurring {
  const recurring = state.recurring.get(id);
  if (recurring === undefined) throw new Refusal('recurring_not_found', `There is no recurring task "${id}".`);
  return recurring;
}

const etag = {
  of: ({ recurring }: { recurring: { seq: number } }) => recurring.seq,
  current: ({ id }: { id: string }, state: RecurringState) => state.recurring.get(id)?.seq,
};

const Answer = z.object({ success: z.literal(true), recurring: RecurringOutput });

function answerWith(state: RecurringState, id: string): z.input<typeof Answer> {
  return { success: true, recurring: find(state, id) as Output };
}

const { limit } = listInput(200, 1_000);
const cursor = RecurringId.optional().describe('Goes on where an earlier answer with `more` ended: its `cursor`.');

const list = query({
  name: 'recurring.list',
  summary: 'Tasks that recur, oldest first.',
  http: ['GET /tasks/recurring'],
  input: z.object({ limit, cursor }),
  output: z.object({ recurring: z.array(RecurringOutput), count: z.number(), ...listOutput }),
  run({ limit, cursor }, { state }: QueryContext<State>) {
    const all = [...state.recurring.values()].sort((a, b) => a.createdAt - b.createdAt || (a.id < b.id ? -1 : 1));
    const from = cursor === undefined ? 0 : all.findIndex(({ id }) => id === cursor) + 1;
    const { taken } = capBytes(all.slice(from, from + limit), (each) => Buffer.byteLength(JSON.stringify(each)) + 1);
    return {
      recurring: taken as Output[],
      count: all.length,
      ...(from + taken.length < all.length && { more: true as const, cursor: taken.at(-1)?.id as string }),
    };
  },
});

const get = query({
  name: 'recurring.get',
  summary: 'One task that recurs.',
  http: ['GET /tasks/recurring/:id'],
  input: z.object({ id: RecurringId }),
  output: z.object({ recurring: RecurringOutput }),
  etag: { of: etag.of },
  run: ({ id }, { state }: QueryContext<State>) => ({ recurring: find(state, id) as Output }),
});

const create = command({
  name: 'recurring.create',
  summary: 'Makes a task again and again: every so often, or as a cron expression says.',
  http: ['POST /tasks/recurring'],
  actor: 'createdBy',
  complaint: 'title, createdBy and one of every and cron are required',
  input: CreateInput,
  output: Answer,
  etag: { of: etag.of },
  decide(input, context: Context<State>) {
    const { every, cron, tz, start, until, missed = 'each', due_in, createdBy, ...task } = input;
    const { now, wall } = context;
    const id = context.id('recurring');
    const recurring: Omit<Recurring, 'id' | 'seq'> = {
      task: Object.fromEntries(Object.entries(task).filter(([, value]) => value !== undefined)) as Recurring['task'],
      ...(every !== undefined && { every }),
      ...(cron !== undefined && { cron, tz: tz ?? 'UTC' }),
      ...(start !== undefined && { start }),
      ...(until !== undefined && { until }),
      ...(due_in !== undefined && { due_in }),
      missed,
      made: 0,
      createdBy,
      createdAt: now,
      updatedAt: now,
    };
    const nextAt = nextAfter(recurring, wall);
    return [
      {
        type: 'recurring_created',
        subject: id,
        data: { id, ...recurring, ...(nextAt !== undefined && { nextAt }) },
      },
    ];
  },
  answer: ([event], state: State) => answerWith(state, event?.subject as string),
});

/** What is given instead of what was: a schedule of one kind takes the place of the other. */
function changesOf(before: Recurring, given: Record<string, unknown>): Record<string, unknown> {
  const changes: Record<string, unknown> = {};
  for (const [field, value] of Object.entries(given)) if (value !== undefined) changes[field] = value;
  if (given.every !== undefined) Object.assign(changes, { cron: null, tz: null });
  if (given.cron !== undefined)
    Object.assign(changes, { every: null, start: null, tz: given.tz ?? before.tz ?? 'UTC' });
  if (given.task !== undefined) changes.task = { ...before.task, ...(given.task as object) };
  return changes;
}

const update = command({
  name: 'recurring.update',
  summary: 'Changes when a task recurs or what it says, or pauses it; tasks that it made stay as they are.',
  http: ['PATCH /tasks/recurring/:id'],
  actor: 'agent',
  input: UpdateInput,
  output: Answer,
  etag,
  decide({ id, agent: _, ...given }, { state, wall }: Context<State>) {
    const before = find(state, id);
    const changes = changesOf(before, given);
    if (Object.keys(changes).length === 0) return [];
    const after = { ...before, ...changes } as Recurring;
    for (const field of ['every', 'cron', 'tz', 'start'] as const) if (after[field] === null) delete after[field];
    const fault = after.cron === undefined ? undefined : faultOf(after.cron, after.tz ?? 'UTC');
    if (fault !== undefined)
      throw new Refusal('invalid_input', `cron: ${fault}`, { errors: [{ pointer: '/cron', detail: fault }] });
    // What was paused or is changed goes on from now: times that passed meanwhile are not made up for.
    const nextAt = after.paused ? undefined : nextAfter(after, wall);
    return [{ type: 'recurring_updated', subject: id, data: { id, changes, nextAt: nextAt ?? null } }];
  },
  answer: (_, state: State, { id }) => answerWith(state, id),
});

const remove = command({
  name: 'recurring.delete',
  summary: 'Lets a task recur no more; tasks that it made stay.',
  http: ['DELETE /tasks/recurring/:id'],
  actor: 'agent',
  input: z.object({ id: RecurringId, agent: AgentName.optional() }),
  output: z.object({ success: z.literal(true) }),
  etag: { of: () => undefined, current: etag.current },
  decide({ id }, { state }: Context<State>) {
    find(state, id);
    return [{ type: 'recurring_deleted', subject: id, data: { id } }];
  },
  answer: () => ({ success: true as const }),
});

/** What has a next time, the nearest first. */
const next: OrderSpec<Recurring> = {
  groups: ({ nextAt }) => (nextAt === undefined ? [] : ['']),
  key: ({ nextAt = 0, id }) => [nextAt, id],
};

export const recurring = capability<State>({
  name: 'recurring',
  summary: 'Tasks that come again and again: one for each time, also for times at which the server slept.',
  collections: [{ name: 'recurring', keep: 'memory', orders: { next } }],
  operations: [list, get, create, update, remove],
  events: {
    recurring_created: 'A task recurs from now on: what recurs.',
    recurring_updated: 'When it recurs or what it says changed: id, changes (null: taken away), nextAt.',
    recurring_came: 'Its time came and a task was made: id, scheduledAt, task, nextAt, skippedSince.',
    recurring_deleted: 'It recurs no more: id.',
  },
  apply,
  due,
});
