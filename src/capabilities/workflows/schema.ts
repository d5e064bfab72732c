import { z } from 'zod';
import { wholeNumber } from '../../kernel/names.ts';
import { taskFields } from '../tasks/schema.ts';

const NAME = /^[A-Za-z0-9][\w.-]{0,63}$/;

export const WorkflowName = z
  .string()
  .regex(NAME, 'a name has 1 to 64 letters, digits, _ . - and begins with a letter or digit');

const { title, status: _, blocked_by: __, parent: ___, due: ____, position: _____, ...others } = taskFields;

/** What a step may leave to the workflow's defaults or to whoever starts it. */
export const defaults = z.object(others).partial().shape;

/** A task of a workflow; `key` names it within the workflow. */
export const Step = z.object({
  key: WorkflowName.describe('Its name within the workflow.'),
  title,
  ...defaults,
  blocked_by: z.array(WorkflowName).max(100).optional().describe('Keys of the steps that must be done before.'),
  parent: WorkflowName.optional().describe('The key of the step that this one is a part of.'),
  due_in: wholeNumber(0, 10 * 365 * 86_400)
    .optional()
    .describe('Seconds from the start until it is due.'),
});

/** A named list of tasks with their dependencies. */
export const Workflow = z.object({
  name: WorkflowName,
  description: taskFields.description.optional(),
  defaults: z.object(defaults).optional().describe('What every step has that does not say otherwise.'),
  tasks: z.array(Step).min(1, 'at least one task').max(100),
});

/** A workflow as it is shown. */
export const WorkflowOutput = z.object({
  name: z.string(),
  description: z.string().optional(),
  defaults: z.record(z.string(), z.unknown()).optional(),
  tasks: z.array(z.looseObject({ key: z.string(), title: z.string() })),
  createdBy: z.string(),
  createdAt: z.number(),
  updatedAt: z.number(),
  started: z.number().meta({ description: 'How often it was started.' }),
  seq: z.number().meta({ description: 'The event that last changed it; its ETag.' }),
});
