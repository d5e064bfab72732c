import { z } from 'zod';
import { type Context, command } from '../../kernel/capability.ts';
import type { Draft } from '../../kernel/event.ts';
import { ANONYMOUS, flag } from '../../kernel/names.ts';
import { type Changes, draftsOf, isBlockedByOthers, opened, unblocked } from './change.ts';
import { answerWith, etag, TaskAnswer } from './create.ts';
import { openBlockers, requireBlockers, requireParent } from './dependencies.ts';
import { findTask } from './find.ts';
import { liveClaim, renewed, type Standing, standingOf, taken } from './lease.ts';
import { acting, TaskId, taskFields } from './schema.ts';
import type { Task, TasksState } from './state.ts';
import { requireReview, requireTransition } from './transitions.ts';

const { title, status, ...optional } = taskFields;
const clearable = Object.fromEntries(
  Object.entries(optional).map(([field, schema]) => [field, schema.nullable().optional()]),
) as { [F in keyof typeof optional]: z.ZodOptional<z.ZodNullable<(typeof optional)[F]>> };

const UpdateInput = z.object({
  id: TaskId,
  title: title.optional(),
  status: status.optional(),
  ...clearable,
  ...acting,
  takeover: flag.optional().describe('1: also where another agent has a live claim, whose claim ends.'),
});
type UpdateInput = z.infer<typeof UpdateInput>;

/** Throws where the change would take a task away from whoever has claimed it. */
function requireNoTakeover(task: Task, input: UpdateInput, standing: Standing, context: Context<TasksState>): void {
  if (standing !== 'other' || input.takeover) return;
  const { assignee, status } = input;
  const claim = liveClaim(task, context.wall);
  const reassigned = assignee !== undefined && assignee !== claim?.agent;
  // Whoever says no name may be the holder: clients of the original contract never say one when they change a task.
  const moved = context.actor !== ANONYMOUS && status !== undefined && status !== task.status;
  if (reassigned || moved) throw taken(task, claim);
}

/** What a change must fulfil before it is one. */
function requireAllowed(task: Task, { status, reviewer, blocked_by, parent }: UpdateInput, state: TasksState): void {
  if (status !== undefined && status !== task.status) {
    requireTransition(task, status);
    // Whose word is asked is who was to give it before this change.
    if (status === 'done') requireReview(task.id, task.reviewer ?? reviewer);
  }
  // What it names already may be gone meanwhile.
  const added = blocked_by?.filter((blocker) => !task.blocked_by?.includes(blocker));
  if (added?.length) requireBlockers(state, task.id, added);
  if (parent != null && parent !== task.parent) requireParent(state, task.id, parent);
}

/** True where a task that waits would wait for nothing with these blockers. */
function opensBy(blockedBy: readonly string[] | null, task: Task, state: TasksState): boolean {
  return task.open_blockers !== undefined && openBlockers(state, { blocked_by: blockedBy ?? [] }).length === 0;
}

export const update = command({
  name: 'tasks.update',
  summary: 'Changes the given fields of a task and no others; null takes a field away.',
  http: ['PATCH /tasks/:id'],
  actor: 'agent',
  input: UpdateInput,
  output: TaskAnswer,
  etag,
  decide(input, context: Context<TasksState>) {
    const { state, wall } = context;
    const { id, agent: _, claim: __, takeover, ...given } = input;
    const task = findTask(state, id);
    const standing = standingOf(task, input, context);
    requireNoTakeover(task, input, standing, context);
    requireAllowed(task, input, state);
    const changes = given as Changes;
    if (given.blocked_by) changes.blocked_by = given.blocked_by.length > 0 ? [...new Set(given.blocked_by)] : null;
    if (given.tags) changes.tags = given.tags.length > 0 ? [...new Set(given.tags)] : null;
    const loses = task.claim !== undefined && given.assignee !== undefined && given.assignee !== task.claim.agent;
    // Whoever is given a task that another had claimed has not begun it.
    if (loses && task.status === 'doing') changes.status ??= 'todo';
    const moves = changes.status !== undefined && changes.status !== task.status;
    const opens = given.blocked_by !== undefined && opensBy(given.blocked_by, task, state);
    if (opens && isBlockedByOthers(task)) changes.status ??= 'todo';
    const drafts = draftsOf(state, task, {
      type: 'task_updated',
      changes,
      claim: loses ? null : standing === 'holder' && task.claim ? renewed(task.claim, wall) : undefined,
      outcome: standing === 'other' && takeover && (loses || moves) ? 'taken_over' : undefined,
    });
    return opens ? [...drafts, opened(task, changes)] : drafts;
  },
  answer: (_, state: TasksState, { id }) => answerWith(state, id),
});

export const remove = command({
  name: 'tasks.delete',
  summary: 'Deletes a task; its history stays, and what waited for it waits no more.',
  http: ['DELETE /tasks/:id'],
  actor: 'agent',
  input: z.object({ id: TaskId, ...acting, takeover: UpdateInput.shape.takeover }),
  output: z.object({ success: z.literal(true) }),
  etag: { of: () => undefined, current: etag.current },
  decide(input, context: Context<TasksState>): Draft[] {
    const { state, wall } = context;
    const task = findTask(state, input.id);
    const standing = standingOf(task, input, context);
    const live = liveClaim(task, wall);
    if (standing === 'other' && !input.takeover && context.actor !== ANONYMOUS) throw taken(task, live);
    const { id, title, assignee, claim } = task;
    const deleted: Draft = {
      type: 'task_deleted',
      subject: id,
      data: {
        id,
        title,
        ...(assignee !== undefined && { assignee, notify: [assignee] }),
        ...(claim && { run: { generation: claim.generation, agent: claim.agent, outcome: 'deleted' } }),
      },
    };
    const closed = task.status === 'done' || task.status === 'cancelled';
    return [deleted, ...(closed ? [] : unblocked(state, task))];
  },
  answer: () => ({ success: true as const }),
});
