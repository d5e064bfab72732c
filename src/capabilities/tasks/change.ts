import { isDeepStrictEqual } from 'node:util';
import type { Draft } from '../../kernel/event.ts';
import { unblockedBy } from './dependencies.ts';
import { type Claim, isClosed, type Outcome, type Task, type TaskChange, type TasksState } from './state.ts';

/** Fields of a task that are to have other values; `null` takes a field away. */
export type Changes = { [F in keyof Task]?: Task[F] | null };

/** What becomes of a task, as a command decides it. */
export interface Decision {
  type: string;
  changes?: Changes;
  /** The claim from now on; `null` or a status other than `doing` ends it. */
  claim?: Claim | null | undefined;
  /** How the run that is going on ends; needed where the claim ends otherwise than by the new status. */
  outcome?: Outcome | undefined;
  reason?: string | undefined;
  comment?: string | undefined;
  /** Further agents to whom the event is addressed. */
  notify?: readonly (string | undefined)[];
}

/** Fields whose former value goes with the event; longer ones are in the history. */
const SHORT = [
  'status',
  'assignee',
  'reviewer',
  'priority',
  'due',
  'position',
  'parent',
  'epic_id',
  'channel',
] as const;

/** What came of a run is told with each run, also where an earlier one came to the same. */
const OF_RUN: readonly (keyof Task)[] = ['result', 'artifacts'];

/** How a run ends when a task leaves `doing`. */
const OUTCOMES: Partial<Record<Task['status'], Outcome>> = {
  todo: 'released',
  blocked: 'blocked',
  validating: 'completed',
  done: 'completed',
  cancelled: 'cancelled',
};

/** The events that a decision on one task makes: its own, and `task_unblocked` for those that waited for nothing else. None where nothing changes. */
export function draftsOf(state: TasksState, task: Task, decision: Decision): Draft[] {
  const changes = withoutSame(task, decision.changes ?? {});
  const status = (changes.status ?? task.status) as Task['status'];
  // What stood somewhere in its column stands nowhere in another.
  if (changes.status && decision.changes?.position === undefined && task.position !== undefined)
    changes.position = null;
  const ends = task.claim && (decision.claim === null || status !== 'doing' || decision.outcome !== undefined);
  const claim = status === 'doing' && decision.claim ? decision.claim : ends ? null : undefined;
  const assignee = (changes.assignee === undefined ? task.assignee : changes.assignee) ?? undefined;
  if (Object.keys(changes).length === 0 && claim === undefined && decision.comment === undefined) return [];
  const outcome = decision.outcome ?? OUTCOMES[status] ?? 'released';
  const data: TaskChange & Record<string, unknown> = {
    id: task.id,
    title: task.title,
    ...(changes.title != null && { title: changes.title }),
    status,
    ...(assignee !== undefined && { assignee }),
    ...(Object.keys(changes).length > 0 && { changes, was: formerOf(task, changes) }),
    ...(claim !== undefined && { claim }),
    ...(ends && task.claim && { run: { generation: task.claim.generation, agent: task.claim.agent, outcome } }),
    ...(decision.reason !== undefined && { reason: decision.reason }),
    ...(decision.comment !== undefined && { comment: decision.comment }),
  };
  const notify = addressed(task, changes, assignee, decision.notify ?? []);
  if (notify.length > 0) data.notify = notify;
  const renews = claim && claim.id === task.claim?.id && Object.keys(changes).length === 0;
  const drafts: Draft[] = [{ type: renews ? 'task_lease_renewed' : decision.type, subject: task.id, data }];
  if (decision.type !== 'task_claimed' && typeof changes.assignee === 'string')
    drafts.push(assigned(task.id, data.title as string, status, changes.assignee));
  if (isClosed({ status }) && !isClosed(task)) drafts.push(...unblocked(state, task));
  return drafts;
}

/** `task_assigned`, as clients of the original contract know it. */
export function assigned(id: string, title: string, status: Task['status'], assignee: string): Draft {
  return { type: 'task_assigned', subject: id, data: { id, title, status, assignee, notify: [assignee] } };
}

/** Who waited for this task alone is told; where it stood as `blocked` for that, it is `todo` again. */
export function unblocked(state: TasksState, blocker: Task): Draft[] {
  return unblockedBy(state, blocker).map((task) => {
    const opens = isBlockedByOthers(task);
    const changes = { status: 'todo', ...(task.position !== undefined && { position: null }) };
    return {
      type: 'task_unblocked',
      subject: task.id,
      data: {
        id: task.id,
        title: task.title,
        status: opens ? 'todo' : task.status,
        ...(task.assignee !== undefined && { assignee: task.assignee, notify: [task.assignee] }),
        blocker: blocker.id,
        ...(opens && { changes, was: formerOf(task, changes) }),
      },
    };
  });
}

/** True where a task stands as `blocked` for nothing but its blockers. */
export function isBlockedByOthers({ status, blocked_reason }: Task): boolean {
  return status === 'blocked' && blocked_reason === undefined;
}

/** `task_unblocked` for a task that waits for nothing any more because its own blockers were changed. */
export function opened({ id, title, status, assignee }: Task, changes: Changes): Draft {
  const who = (changes.assignee === undefined ? assignee : changes.assignee) ?? undefined;
  return {
    type: 'task_unblocked',
    subject: id,
    data: { id, title, status: changes.status ?? status, ...(who !== undefined && { assignee: who, notify: [who] }) },
  };
}

function withoutSame(task: Task, changes: Changes): Changes {
  const all = Object.entries(changes) as [keyof Task, unknown][];
  return Object.fromEntries(
    all.filter(
      ([field, value]) => value !== undefined && (OF_RUN.includes(field) || !isSame(value ?? undefined, task[field])),
    ),
  ) as Changes;
}

function isSame(a: unknown, b: unknown): boolean {
  return a === b || (typeof a === 'object' && isDeepStrictEqual(a, b));
}

function formerOf(task: Task, changes: object): Record<string, unknown> {
  return Object.fromEntries(SHORT.filter((field) => field in changes).map((field) => [field, task[field] ?? null]));
}

/** Whose business it is: who has or had it, and where it waits for a review, the reviewer. */
function addressed(
  task: Task,
  changes: Changes,
  assignee: string | undefined,
  others: readonly (string | undefined)[],
): string[] {
  const reviewer = changes.status === 'validating' ? (changes.reviewer ?? task.reviewer) : undefined;
  const all = [assignee, task.assignee, reviewer ?? undefined, ...others];
  return [...new Set(all.filter((name) => name !== undefined && name !== 'system'))] as string[];
}
