import { z } from 'zod';
import { Author, Time } from '../../kernel/import.ts';
import { AgentName, EntityId, Metadata } from '../../kernel/names.ts';

/** `task-<ms>-<9 chars>`; imported tasks keep the ids that they had. */
export const TaskId = EntityId;

export const TaskStatus = z.enum(['todo', 'doing', 'blocked', 'validating', 'done']);
export const TaskPriority = z.enum(['P0', 'P1', 'P2', 'P3']);

/** A task as every door shows it. */
export const Task = z.object({
  id: TaskId,
  title: z.string().min(1),
  description: z.string().optional(),
  status: TaskStatus,
  assignee: AgentName.optional(),
  createdBy: Author,
  createdAt: Time.describe('Milliseconds since 1970.'),
  updatedAt: Time.describe('Milliseconds since 1970.'),
  priority: TaskPriority.optional().describe('None ranks as P3.'),
  blocked_by: z.array(TaskId).optional().describe('Tasks that must be done before.'),
  epic_id: z.string().optional(),
  tags: z.array(z.string()).optional(),
  metadata: Metadata.optional(),
});
