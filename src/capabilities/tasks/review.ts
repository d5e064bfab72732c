import { z } from 'zod';
import { type Context, command } from '../../kernel/capability.ts';
import { Refusal } from '../../kernel/errors.ts';
import { AgentName } from '../../kernel/names.ts';
import { draftsOf } from './change.ts';
import { answerWith, etag, TaskAnswer } from './create.ts';
import { findTask } from './find.ts';
import { TaskId } from './schema.ts';
import { isClosed, type TasksState } from './state.ts';
import { TRANSITIONS } from './transitions.ts';

const Verdict = z
  .enum(['approve', 'approved', 'reject', 'rejected', 'request_changes'])
  .transform((word) => (word.startsWith('approve') ? ('approved' as const) : ('rejected' as const)))
  .describe('approve, or reject.');

export const review = command({
  name: 'tasks.review',
  summary: 'The word of a task’s reviewer: approved, it is done; rejected, it goes back to whoever did it.',
  http: ['POST /tasks/:id/review'],
  actor: 'by',
  complaint: 'by and verdict are required',
  input: z.object({
    id: TaskId,
    by: AgentName.describe('Who reviews.'),
    verdict: Verdict,
    comment: z.string().max(10_000).optional(),
  }),
  output: TaskAnswer,
  etag,
  decide({ id, by, verdict, comment }, context: Context<TasksState>) {
    const { state, now } = context;
    const task = findTask(state, id);
    if (task.reviewer === undefined) throw new Refusal('no_reviewer', `"${id}" has no reviewer.`);
    if (task.reviewer !== by)
      throw new Refusal('not_the_reviewer', `"${id}" is reviewed by ${task.reviewer}, not by ${by}.`);
    const status = verdict === 'approved' ? 'done' : 'todo';
    if (isClosed(task))
      throw new Refusal('transition_refused', `"${id}" is ${task.status}: there is nothing to review.`, {
        extra: { from: task.status, to: status, allowed: TRANSITIONS[task.status] },
      });
    return draftsOf(state, task, {
      type: 'task_reviewed',
      changes: {
        status,
        review: { by, verdict, at: now, ...(comment !== undefined && { comment }) },
      },
      comment: comment ?? verdict,
      notify: [task.createdBy],
    });
  },
  answer: (_, state: TasksState, { id }) => answerWith(state, id),
});
