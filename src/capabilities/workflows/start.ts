import { z } from 'zod';
import { type Context, command } from '../../kernel/capability.ts';
import { Refusal } from '../../kernel/errors.ts';
import type { Draft, Event } from '../../kernel/event.ts';
import { AgentName } from '../../kernel/names.ts';
import { draftsOfNew, requireParent } from '../tasks/index.ts';
import { Task as TaskOutput, taskFields } from '../tasks/schema.ts';
import type { TasksState } from '../tasks/state.ts';
import { parentsFirst } from './graph.ts';
import { defaults, WorkflowName } from './schema.ts';
import type { WorkflowsState } from './state.ts';

type State = WorkflowsState & TasksState;

export const start = command({
  name: 'workflows.start',
  summary: 'Makes every task of a workflow with its dependencies: all of them or, where it is refused, none.',
  http: ['POST /workflows/:name/start', 'POST /workflows/:name/instantiate'],
  actor: 'createdBy',
  complaint: 'createdBy is required',
  input: z.object({
    name: WorkflowName,
    createdBy: AgentName.describe('Who starts it, and makes its tasks.'),
    defaults: z
      .object(defaults)
      .optional()
      .describe('What every step has that does not say otherwise; goes before the defaults of the workflow.'),
    parent: taskFields.parent
      .optional()
      .describe('The task that those steps are parts of which are no part of another.'),
  }),
  output: z.object({
    success: z.literal(true),
    tasks: z.array(TaskOutput),
    ids: z.record(z.string(), z.string()).meta({ description: 'key → task id' }),
  }),
  decide({ name, createdBy, parent, defaults: chosen }, context: Context<State>) {
    const { state, now, seq } = context;
    const workflow = state.workflows.get(name);
    if (workflow === undefined) throw new Refusal('workflow_not_found', `There is no workflow "${name}".`);
    if (parent !== undefined) requireParent(state, undefined, parent);
    const ids = new Map(workflow.tasks.map(({ key }) => [key, context.id('task')]));
    const idOf = (key: string) => ids.get(key) as string;
    const drafts: Draft[] = [
      { type: 'workflow_started', subject: name, data: { name, tasks: Object.fromEntries(ids) } },
    ];
    for (const { key, blocked_by, parent: within, due_in, ...fields } of parentsFirst(workflow.tasks)) {
      const above = within === undefined ? parent : idOf(within);
      const task = {
        ...workflow.defaults,
        ...chosen,
        ...fields,
        ...(blocked_by && { blocked_by: blocked_by.map(idOf) }),
        ...(above !== undefined && { parent: above }),
        ...(due_in !== undefined && { due: now + due_in * 1_000 }),
        createdBy,
      };
      const at = drafts.length;
      drafts.push(...draftsOfNew(task, { id: idOf(key), at: now + at, seq: seq + at, workflow: name }));
    }
    return drafts;
  },
  answer(events: readonly Event[], state: State) {
    const ids = events[0]?.data.tasks as Record<string, string>;
    // A task may be gone by the time a repeated request is answered.
    const tasks = Object.values(ids).flatMap((id) => state.tasks.get(id) ?? []);
    return { success: true as const, tasks: tasks as z.input<typeof TaskOutput>[], ids };
  },
});
