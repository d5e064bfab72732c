import { z } from 'zod';
import { type Context, command } from '../../kernel/capability.ts';
import { Refusal } from '../../kernel/errors.ts';
import { type Draft, type Event, LATEST } from '../../kernel/event.ts';
import { AgentName } from '../../kernel/names.ts';
import { stamp } from '../../kernel/stamp.ts';
import { draftsOfNew, requireParent } from '../tasks/index.ts';
import { Task as TaskOutput, taskFields } from '../tasks/schema.ts';
import type { TasksState } from '../tasks/state.ts';
import { parentsFirst } from './graph.ts';
import { defaults, WorkflowName } from './schema.ts';
import type { Workflow, WorkflowsState } from './state.ts';

type State = WorkflowsState & TasksState;

/** Bytes of the events of one start, at most: as many as one body may hold. */
const MAX_START_BYTES = 1024 * 1024;
/** Who and what starts a workflow with the longest names that there can be. */
const LONGEST = {
  createdBy: 'x'.repeat(64),
  parent: '\u{10000}'.repeat(128),
  context: { now: LATEST, seq: LATEST, id: () => `task-${LATEST}-xxxxxxxxx` },
};

/** What whoever starts a workflow says. */
interface Start {
  createdBy: string;
  parent?: string | undefined;
  defaults?: Record<string, unknown> | undefined;
  context: Pick<Context<State>, 'now' | 'seq' | 'id'>;
}

type Plan = Pick<Workflow, 'name' | 'tasks' | 'defaults'>;

function draftsOf(workflow: Plan, { createdBy, parent, defaults: chosen, context }: Start): Draft[] {
  const { name } = workflow;
  const { now, seq } = context;
  const ids = new Map(workflow.tasks.map(({ key }) => [key, context.id('task')]));
  const idOf = (key: string) => ids.get(key) as string;
  const drafts: Draft[] = [{ type: 'workflow_started', subject: name, data: { name, tasks: Object.fromEntries(ids) } }];
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
}

/** Throws `too_large` where what is started would not fit into its events, or is too much for one command. */
function requireSize(drafts: readonly Draft[], { createdBy: actor, context }: Start): void {
  const records = stamp(drafts, { first: context.seq, now: context.now, actor, mark: undefined });
  const bytes = records.reduce((sum, { line }) => sum + Buffer.byteLength(line), 0);
  if (bytes > MAX_START_BYTES)
    throw new Refusal(
      'too_large',
      `A workflow holds at most ${MAX_START_BYTES} bytes when it is started, not ${bytes}.`,
    );
}

/** Throws `too_large` where the workflow could not be started by anybody at any time. */
export function requireFit(workflow: Plan): void {
  requireSize(draftsOf(workflow, LONGEST), LONGEST);
}

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
  decide({ name, ...input }, context: Context<State>) {
    const { state } = context;
    const workflow = state.workflows.get(name);
    if (workflow === undefined) throw new Refusal('workflow_not_found', `There is no workflow "${name}".`);
    if (input.parent !== undefined) requireParent(state, undefined, input.parent);
    const drafts = draftsOf(workflow, { ...input, context });
    requireSize(drafts, { ...input, context });
    return drafts;
  },
  answer(events: readonly Event[], state: State) {
    const ids = events[0]?.data.tasks as Record<string, string>;
    // A task may be gone by the time a repeated request is answered.
    const tasks = Object.values(ids).flatMap((id) => state.tasks.get(id) ?? []);
    return { success: true as const, tasks: tasks as z.input<typeof TaskOutput>[], ids };
  },
});
