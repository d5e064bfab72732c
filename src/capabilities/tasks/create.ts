import { z } from 'zod';
import { type Context, command } from '../../kernel/capability.ts';
import type { Draft, Event } from '../../kernel/event.ts';
import { AgentName } from '../../kernel/names.ts';
import { assigned } from './change.ts';
import { requireBlockers, requireParent } from './dependencies.ts';
import { findTask } from './find.ts';
import { Task as TaskOutput, taskFields } from './schema.ts';
import type { Task, TasksState } from './state.ts';
import { requireReview } from './transitions.ts';

const { title, ...optional } = taskFields;

export const CreateInput = z.object({
  title,
  ...z.object(optional).partial().shape,
  createdBy: AgentName.describe('Who makes it.'),
});
export type CreateInput = z.infer<typeof CreateInput>;

/** Fields of a task that its maker does not choose. */
export interface Origin {
  id: string;
  at: number;
  seq: number;
  recurring?: string;
  scheduledAt?: number;
  workflow?: string;
}

/** The events that make a task. Whether what it waits for is there is the caller's to know. */
export function draftsOfNew(input: CreateInput, { id, at, seq, ...origin }: Origin): Draft[] {
  const { status = 'todo', blocked_by, tags, ...rest } = input;
  if (status === 'done') requireReview(id, input.reviewer);
  const data = {
    id,
    ...(withoutUndefined(rest) as typeof rest),
    status,
    ...(blocked_by !== undefined && blocked_by.length > 0 && { blocked_by: [...new Set(blocked_by)] }),
    ...(tags !== undefined && tags.length > 0 && { tags: [...new Set(tags)] }),
    ...origin,
    createdAt: at,
    updatedAt: at,
    ...(status === 'doing' && { startedAt: at }),
    ...(status === 'done' && { completedAt: at }),
    seq,
    ...(input.assignee !== undefined && { notify: [input.assignee] }),
  };
  const drafts: Draft[] = [{ type: 'task_created', subject: id, data }];
  if (input.assignee !== undefined) drafts.push(assigned(id, input.title, status, input.assignee));
  return drafts;
}

function withoutUndefined(fields: object): object {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}

export const TaskAnswer = z.object({ success: z.literal(true), task: TaskOutput });

/** The answer of a command on one task: the task as it is after it. Throws where a retry comes when it was deleted. */
export function answerWith(state: TasksState, id: string): z.input<typeof TaskAnswer> {
  return { success: true, task: findTask(state, id) as z.input<typeof TaskOutput> };
}

/** The tag of an answer that shows one task. */
export const etag = {
  of: ({ task }: { task?: Pick<Task, 'seq'> | null }) => task?.seq,
  current: ({ id }: { id: string }, state: TasksState) => state.tasks.get(id)?.seq,
};

export const create = command({
  name: 'tasks.create',
  summary: 'Creates a task.',
  http: ['POST /tasks'],
  actor: 'createdBy',
  complaint: 'title and createdBy are required',
  input: CreateInput,
  output: TaskAnswer,
  etag: { of: etag.of },
  decide(input, context: Context<TasksState>) {
    const { state } = context;
    if (input.blocked_by) requireBlockers(state, undefined, input.blocked_by);
    if (input.parent !== undefined) requireParent(state, undefined, input.parent);
    return draftsOfNew(input, { id: context.id('task'), at: context.now, seq: context.seq });
  },
  answer: ([event], state: TasksState) => answerWith(state, (event as Event).subject as string),
});
