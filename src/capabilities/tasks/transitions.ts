import { Refusal } from '../../kernel/errors.ts';
import type { Task, TaskStatus } from './state.ts';

/** Where a task may go from each status. What is over is opened again by going back to `todo`, or on with by `doing`. */
export const TRANSITIONS: Readonly<Record<TaskStatus, readonly TaskStatus[]>> = {
  todo: ['doing', 'blocked', 'validating', 'done', 'cancelled'],
  doing: ['todo', 'blocked', 'validating', 'done', 'cancelled'],
  blocked: ['todo', 'doing', 'validating', 'done', 'cancelled'],
  validating: ['todo', 'doing', 'blocked', 'done', 'cancelled'],
  done: ['todo', 'doing'],
  cancelled: ['todo'],
};

/** Throws `transition_refused`, with the moves that are allowed. */
export function requireTransition({ id, status }: Pick<Task, 'id' | 'status'>, to: TaskStatus): void {
  const allowed = TRANSITIONS[status];
  if (allowed.includes(to)) return;
  throw new Refusal(
    'transition_refused',
    `"${id}" is ${status}: it may become ${allowed.join(' or ')}, and not ${to}.`,
    { extra: { from: status, to, allowed } },
  );
}

/** Throws `review_required` where a task that has a reviewer is to be done without the reviewer's word. */
export function requireReview(id: string, reviewer: string | null | undefined): void {
  if (reviewer == null) return;
  throw new Refusal('review_required', `"${id}" is done when ${reviewer} has approved it.`, {
    extra: { reviewer, review: `POST /tasks/${id}/review {"by":"${reviewer}","verdict":"approve"}` },
  });
}
