import { z } from 'zod';
import { type Context, command } from '../../kernel/capability.ts';
import { Refusal } from '../../kernel/errors.ts';
import type { Draft, Event } from '../../kernel/event.ts';
import { AgentName, flag } from '../../kernel/names.ts';
import { type Changes, draftsOf } from './change.ts';
import { answerWith, etag, TaskAnswer } from './create.ts';
import { openBlockers } from './dependencies.ts';
import { findTask } from './find.ts';
import { extended, liveClaim, newClaim, requireClaim, stale, taken } from './lease.ts';
import { Artifact, acting, Claim as ClaimOutput, Result, TaskId, Ttl } from './schema.ts';
import { type Claim, isClosed, type Outcome, runId, type Task, type TasksState } from './state.ts';
import { TRANSITIONS } from './transitions.ts';

export const ClaimAnswer = TaskAnswer.extend({ claim: ClaimOutput });

/** The events by which an agent takes a task that is free for it. */
export function draftsOfClaim(
  task: Task,
  agent: string,
  ttl: number | undefined,
  context: Context<TasksState>,
): Draft[] {
  const former = liveClaim(task, context.wall);
  return draftsOf(context.state, task, {
    type: 'task_claimed',
    changes: { status: 'doing', assignee: agent },
    claim: newClaim(task, agent, ttl, context),
    // A claim whose time is over, and that nobody has ended yet, ends here.
    outcome: former ? 'taken_over' : task.claim && 'expired',
  });
}

/** How a holder ends a run: it knows that the claim is over. */
const ENDED_BY_HOLDER: ReadonlySet<Outcome | undefined> = new Set(['completed', 'failed', 'released'] as const);

/**
 * The claim that the events of a command gave or made longer. Where it is answered once more to whoever sends the
 * command again, it may have been lost by then: throws `stale_claim`, for nobody may take it for a live one.
 */
export function claimOf(events: readonly Event[], state: TasksState, id: string): Claim {
  const task = findTask(state, id);
  const given = (events[0]?.data.claim ?? task.claim) as Claim;
  const { outcome } = state.task_runs.get(runId(id, given.generation)) ?? {};
  if (task.claim?.id === given.id || ENDED_BY_HOLDER.has(outcome)) return given;
  throw stale(task, task.claim);
}

function requireClaimable(task: Task, agent: string, takeover: boolean, context: Context<TasksState>): void {
  const live = liveClaim(task, context.wall);
  const others = (live?.agent ?? task.assignee ?? agent) !== agent;
  if (others && !(takeover && !isClosed(task))) throw taken(task, live);
  const open = openBlockers(context.state, task);
  if (open.length > 0)
    throw new Refusal('task_blocked', `"${task.id}" waits for ${open.map((id) => `"${id}"`).join(', ')}.`, {
      extra: { blockers: open },
    });
  if (task.status === 'blocked')
    throw new Refusal('task_blocked', `"${task.id}" is blocked: ${task.blocked_reason ?? 'somebody set it aside'}.`, {
      extra: { blockers: [] },
    });
  if (task.status !== 'todo' && task.status !== 'doing')
    throw new Refusal('transition_refused', `"${task.id}" is ${task.status}: there is nothing to claim.`, {
      extra: { from: task.status, to: 'doing', allowed: TRANSITIONS[task.status].filter((each) => each !== 'doing') },
    });
}

export const claim = command({
  name: 'tasks.claim',
  summary: 'Takes a task: of all who try exactly one gets it, for as long as it shows signs of life.',
  http: ['POST /tasks/:id/claim'],
  actor: 'agent',
  complaint: 'agent is required',
  input: z.object({
    id: TaskId,
    agent: AgentName.describe('Who takes it.'),
    ttl: Ttl.optional(),
    claim: acting.claim,
    takeover: flag.optional().describe('1: also where another agent has it, whose claim ends.'),
  }),
  output: ClaimAnswer,
  etag,
  decide(input, context: Context<TasksState>) {
    const task = findTask(context.state, input.id);
    const live = liveClaim(task, context.wall);
    if (live?.agent === input.agent || input.claim !== undefined) {
      const own = requireClaim(task, input, context);
      return draftsOf(context.state, task, {
        type: 'task_lease_renewed',
        claim: extended(own, context.wall, input.ttl),
      });
    }
    requireClaimable(task, input.agent, input.takeover ?? false, context);
    return draftsOfClaim(task, input.agent, input.ttl, context);
  },
  answer: (events, state: TasksState, { id }) => ({ ...answerWith(state, id), claim: claimOf(events, state, id) }),
});

export const heartbeat = command({
  name: 'tasks.heartbeat',
  summary: 'Says that the holder is still at work: the claim lasts on.',
  http: ['POST /tasks/:id/heartbeat'],
  actor: 'agent',
  input: z.object({ id: TaskId, ...acting, ttl: Ttl.optional() }),
  output: z.object({ success: z.literal(true), claim: ClaimOutput }),
  etag: { of: () => undefined, current: etag.current },
  decide(input, context: Context<TasksState>) {
    const task = findTask(context.state, input.id);
    const own = requireClaim(task, input, context);
    return draftsOf(context.state, task, { type: 'task_lease_renewed', claim: extended(own, context.wall, input.ttl) });
  },
  answer: (events, state: TasksState, { id }) => ({ success: true as const, claim: claimOf(events, state, id) }),
});

const reason = z.string().min(1).max(10_000);

export const release = command({
  name: 'tasks.release',
  summary: 'Gives a claimed task back: it is todo again, for anybody.',
  http: ['POST /tasks/:id/release'],
  actor: 'agent',
  input: z.object({ id: TaskId, ...acting, reason: reason.optional() }),
  output: TaskAnswer,
  etag,
  decide(input, context: Context<TasksState>) {
    const task = findTask(context.state, input.id);
    requireClaim(task, input, context);
    return draftsOf(context.state, task, {
      type: 'task_released',
      changes: { status: 'todo', assignee: null },
      reason: input.reason,
    });
  },
  answer: (_, state: TasksState, { id }) => answerWith(state, id),
});

export const complete = command({
  name: 'tasks.complete',
  summary: 'Ends the work with its result: the task is done or, where it has a reviewer, waits for the review.',
  http: ['POST /tasks/:id/complete'],
  actor: 'agent',
  input: z.object({
    id: TaskId,
    ...acting,
    result: Result.optional(),
    artifacts: z.array(Artifact).max(100).optional(),
  }),
  output: TaskAnswer,
  etag,
  decide(input, context: Context<TasksState>) {
    const task = findTask(context.state, input.id);
    requireClaim(task, input, context);
    const changes: Changes = { status: task.reviewer === undefined ? 'done' : 'validating' };
    if (input.result !== undefined) changes.result = input.result;
    if (input.artifacts !== undefined) changes.artifacts = input.artifacts;
    return draftsOf(context.state, task, { type: 'task_completed', changes, notify: [task.createdBy] });
  },
  answer: (_, state: TasksState, { id }) => answerWith(state, id),
});

const DEFAULT_FAILED_RUNS = 3;

/** What becomes of a task whose run failed: open to others or, after too many, blocked until a person looks at it. */
export function afterFailure(task: Task, context: Context<TasksState>): Changes {
  const { TASK_MAX_FAILED_RUNS: most = DEFAULT_FAILED_RUNS } = context.settings as { TASK_MAX_FAILED_RUNS?: number };
  const failed = (task.failed_runs ?? 0) + 1;
  return failed < most
    ? { status: 'todo', assignee: null, failed_runs: failed }
    : {
        status: 'blocked',
        assignee: null,
        failed_runs: failed,
        blocked_reason: `${failed} failed runs: a person must look at it`,
      };
}

export const fail = command({
  name: 'tasks.fail',
  summary: 'Ends the attempt without success: others may try, and after too many a person must look at it.',
  http: ['POST /tasks/:id/fail'],
  actor: 'agent',
  complaint: 'reason is required',
  input: z.object({ id: TaskId, ...acting, reason }),
  output: TaskAnswer,
  etag,
  decide(input, context: Context<TasksState>) {
    const task = findTask(context.state, input.id);
    requireClaim(task, input, context);
    return draftsOf(context.state, task, {
      type: 'task_failed',
      changes: afterFailure(task, context),
      outcome: 'failed',
      reason: input.reason,
      notify: [task.createdBy],
    });
  },
  answer: (_, state: TasksState, { id }) => answerWith(state, id),
});
