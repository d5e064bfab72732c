import { z } from 'zod';
import { Author, Time } from '../../kernel/import.ts';
import { AgentName, EntityId, isShallow, Metadata, wholeNumber } from '../../kernel/names.ts';
import { ChannelId } from '../channels/schema.ts';

/** `task-<ms>-<9 chars>`; imported tasks keep the ids that they had. */
export const TaskId = EntityId;

export const STATUSES = ['todo', 'doing', 'blocked', 'validating', 'done', 'cancelled'] as const;
export const TaskStatus = z.enum(STATUSES);
export const TaskPriority = z.enum(['P0', 'P1', 'P2', 'P3']);

const TITLE = 500;
const DESCRIPTION = 100_000;
/** Blockers of a task, and tasks that one task blocks. */
export const MAX_BLOCKERS = 500;

const Label = z.string().min(1).max(128);
const due = z
  .union([Time, z.iso.datetime({ offset: true }).transform((text) => Date.parse(text))], {
    error: 'milliseconds since 1970, or an ISO 8601 time with its zone',
  })
  .meta({ description: 'When it should be done: milliseconds since 1970, or an ISO 8601 time.' });

/** What a worker leaves behind: a file, a link, a commit. Text is its name. */
export const Artifact = z
  .union([
    z
      .string()
      .min(1)
      .max(2_048)
      .transform((name) => ({ name })),
    z.looseObject({ name: z.string().min(1).max(2_048), url: z.string().max(2_048).optional() }),
  ])
  .refine((value) => isShallow(value), 'nested too deeply');

/** What came of the work: text, or JSON of the worker's own. */
export const Result = z
  .union([z.string().max(DESCRIPTION), Metadata, z.array(z.unknown()).max(1_000), z.number(), z.boolean()])
  .refine((value) => isShallow(value), 'nested too deeply');

/** What a task may say of itself; each may be given when it is created and changed later. */
export const taskFields = {
  title: z.string().trim().min(1, 'must not be empty').max(TITLE, `at most ${TITLE} characters`),
  description: z.string().max(DESCRIPTION, `at most ${DESCRIPTION} characters`),
  status: TaskStatus,
  priority: TaskPriority.describe('None ranks as P3.'),
  assignee: AgentName.describe('Who is to do it.'),
  reviewer: AgentName.describe('Whose approval it needs before it is done.'),
  tags: z.array(Label).max(64),
  blocked_by: z.array(TaskId).max(MAX_BLOCKERS).describe('Tasks that must be done before.'),
  parent: TaskId.describe('The task that this one is a part of.'),
  epic_id: Label,
  channel: ChannelId.describe('The channel that it belongs to.'),
  capabilities: z.array(Label).max(64).describe('What whoever does it must be able to do.'),
  due,
  position: z.number().min(-1e12).max(1e12).describe('Where it stands in its column: lower is higher up.'),
  metadata: Metadata,
};

/** Who has a task, and until when. */
export const Claim = z.object({
  id: z.string().describe('Send it as `claim` with what you do: a write with an old one is refused.'),
  agent: z.string(),
  generation: z.number().describe('1 for the first claim of this task, then 2, 3 …'),
  expiresAt: z.number().describe('Milliseconds since 1970; later with every sign of the holder.'),
  ttl: z.number().describe('Seconds that the claim lasts after the last sign of its holder.'),
});

/** One attempt at a task. */
export const Run = z.object({
  task: z.string(),
  generation: z.number(),
  agent: z.string(),
  start: z.number(),
  end: z.number().optional(),
  outcome: z
    .enum(['completed', 'failed', 'expired', 'released', 'blocked', 'cancelled', 'taken_over', 'deleted'])
    .optional()
    .describe('None while it is being worked at.'),
  reason: z.string().optional(),
  result: z.unknown().optional(),
  artifacts: z.array(z.unknown()).optional(),
});

/** What the reviewer said last. */
export const Review = z.object({
  by: z.string(),
  verdict: z.enum(['approved', 'rejected']),
  at: z.number(),
  comment: z.string().optional(),
});

/** A task as it is in a history that is imported. */
export const HistoricTask = z.object({
  id: TaskId,
  title: z.string().min(1),
  description: z.string().optional(),
  status: TaskStatus,
  assignee: AgentName.optional(),
  createdBy: Author,
  createdAt: Time.describe('Milliseconds since 1970.'),
  updatedAt: Time.describe('Milliseconds since 1970.'),
  priority: TaskPriority.optional(),
  blocked_by: z.array(TaskId).optional(),
  epic_id: z.string().optional(),
  tags: z.array(z.string()).optional(),
  metadata: Metadata.optional(),
});

/** A task as every door shows it. */
export const Task = HistoricTask.extend({
  reviewer: z.string().optional(),
  review: Review.optional(),
  parent: z.string().optional(),
  subtasks: z.object({ total: z.number(), done: z.number() }).optional().describe('Its parts, without cancelled ones.'),
  open_blockers: z.number().optional().describe('Tasks that must be done before and are not.'),
  channel: z.string().optional(),
  capabilities: z.array(z.string()).optional(),
  due: z.number().optional(),
  position: z.number().optional(),
  claim: Claim.optional(),
  generation: z.number().optional().describe('Claims so far.'),
  failed_runs: z.number().optional(),
  blocked_reason: z.string().optional().describe('Why it waits for a person.'),
  result: z.unknown().optional(),
  artifacts: z.array(z.unknown()).optional(),
  startedAt: z.number().optional(),
  completedAt: z.number().optional(),
  recurring: z.string().optional().describe('What it is an occurrence of.'),
  scheduledAt: z.number().optional().describe('The time for which it is that occurrence.'),
  workflow: z.string().optional().describe('The workflow that it was started by.'),
  seq: z.number().describe('The event that last changed it; its ETag.'),
});

/** Who acts, in every command on a task. */
export const acting = {
  agent: AgentName.optional().describe('Who acts.'),
  claim: z
    .union([z.string().min(1).max(128), z.looseObject({ id: z.string().max(128) }).transform(({ id }) => id)])
    .optional()
    .describe('The id of your claim: the write is refused where it is not the live one.'),
};

export const Ttl = wholeNumber(1, 86_400).describe('Seconds that the claim lasts after the last sign of its holder.');
