import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import {
  type Context,
  capability,
  command,
  entitiesOf,
  type LiveCollection,
  type QueryContext,
  query,
} from '../../kernel/capability.ts';
import { type FieldError, Refusal } from '../../kernel/errors.ts';
import { AgentName } from '../../kernel/names.ts';
import type { OrderSpec } from '../../kernel/order.ts';
import { capBytes, listInput, listOutput } from '../../kernel/page.ts';
import { due, nextAfter, type Plan, requireFit } from './come.ts';
import { faultsOf, type ScheduleFields } from './schedule.ts';
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

/** Throws `invalid_input` where the fields are no schedule. */
function requireSchedule(fields: ScheduleFields): void {
  const errors = faultsOf(fields);
  if (errors.length > 0) throw invalid(errors);
}

function invalid(errors: FieldError[]): Refusal {
  return new Refusal(
    'invalid_input',
    errors.map(({ pointer, detail }) => `${pointer.slice(1)}: ${detail}`).join('; '),
    { errors },
  );
}

/** The fields that were given. */
function given<T extends object>(fields: T): Partial<T> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Partial<T>;
}

function withoutNull(fields: object): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null));
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
  run({ limit, cursor = '' }, { state }: QueryContext<State>) {
    // Ids begin with the time at which they were made.
    const all = [...state.recurring.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
    const rest = all.filter(({ id }) => id > cursor);
    const { taken } = capBytes(rest.slice(0, limit), (each) => Buffer.byteLength(JSON.stringify(each)) + 1);
    return {
      recurring: taken as Output[],
      count: all.length,
      ...(taken.length < rest.length && { more: true as const, cursor: taken.at(-1)?.id as string }),
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
    requireSchedule(input);
    const { now, wall } = context;
    const id = context.id('recurring');
    const plan: Plan = {
      id,
      task: given(task) as Recurring['task'],
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
    const nextAt = nextAfter(plan, wall);
    if (nextAt === undefined)
      throw invalid([{ pointer: until === undefined ? '/cron' : '/until', detail: 'it would never come' }]);
    requireFit(plan);
    return [{ type: 'recurring_created', subject: id, data: { ...plan, nextAt } }];
  },
  answer: ([event], state: State) => answerWith(state, event?.subject as string),
});

/** What a change gives other values than there are; `null` takes a field away. */
function changesOf(before: Recurring, { task, ...input }: Omit<UpdateInput, 'id' | 'agent'>): Record<string, unknown> {
  let replaced = {};
  // A schedule of one kind takes the place of the other.
  if (input.every !== undefined) replaced = { cron: null, tz: null };
  else if (input.cron !== undefined) replaced = { every: null, start: null, tz: before.tz ?? 'UTC' };
  const fields: Record<string, unknown> = { ...replaced, ...given(input) };
  if (task !== undefined) fields.task = withoutNull({ ...before.task, ...given(task) });
  const was = { paused: false, ...before } as Record<string, unknown>;
  return Object.fromEntries(
    Object.entries(fields).filter(([field, value]) => !isDeepStrictEqual(value ?? undefined, was[field])),
  );
}

/** Fields without which a change leaves the next time as it is. */
const TIMING = ['every', 'cron', 'tz', 'start', 'until', 'paused'];

const update = command({
  name: 'recurring.update',
  summary: 'Changes when a task recurs or what it says, or pauses it; tasks that it made stay as they are.',
  http: ['PATCH /tasks/recurring/:id'],
  actor: 'agent',
  input: UpdateInput,
  output: Answer,
  etag,
  decide({ id, agent: _, ...input }, { state, wall }: Context<State>) {
    const before = find(state, id);
    const changes = changesOf(before, input);
    if (Object.keys(changes).length === 0) return [];
    const after = withoutNull({ ...before, ...changes }) as unknown as Recurring;
    requireSchedule(after);
    requireFit(after);
    const data: Record<string, unknown> = { id, changes };
    // What was paused or is changed goes on from now, and never back: times that passed meanwhile are not made up for,
    // and none comes twice where the clock was put back.
    if (TIMING.some((field) => field in changes))
      data.nextAt = (after.paused ? undefined : nextAfter(after, Math.max(wall, before.lastAt ?? 0))) ?? null;
    return [{ type: 'recurring_updated', subject: id, data }];
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

export const recurring = capability<State>()({
  name: 'recurring',
  summary: 'Tasks that come again and again: one for each time, also for times at which the server slept.',
  collections: [{ name: 'recurring', keep: 'memory', orders: { next } }],
  operations: [list, get, create, update, remove],
  events: {
    recurring_created: 'A task recurs from now on: what recurs.',
    recurring_updated: 'When it recurs or what it says changed: id, changes (null: taken away), nextAt.',
    recurring_came: 'Its time came and a task was made: id, scheduledAt, task, nextAt, skippedSince.',
    recurring_failed: 'No task can be made of it any more, and it is paused: id, title, fault.',
    recurring_deleted: 'It recurs no more: id.',
  },
  apply,
  snapshot: (view) => ({ recurring: entitiesOf<Recurring>(view, 'recurring') }),
  due,
});
