import { z } from 'zod';
import {
  type Context,
  capability,
  command,
  entitiesOf,
  type LiveCollection,
  type QueryContext,
  query,
} from '../../kernel/capability.ts';
import { Refusal } from '../../kernel/errors.ts';
import { AgentName } from '../../kernel/names.ts';
import { capBytes, listInput, listOutput } from '../../kernel/page.ts';
import type { TasksState } from '../tasks/state.ts';
import { requireGraph } from './graph.ts';
import { Workflow as WorkflowInput, WorkflowName, WorkflowOutput } from './schema.ts';
import { requireFit, start } from './start.ts';
import { apply, type Workflow, type WorkflowsState } from './state.ts';

interface State extends WorkflowsState, TasksState {
  workflows: LiveCollection<Workflow>;
}

type Output = z.input<typeof WorkflowOutput>;

/** The workflow. Throws `workflow_not_found`. */
function find(state: WorkflowsState, name: string): Workflow {
  const workflow = state.workflows.get(name);
  if (workflow === undefined) throw new Refusal('workflow_not_found', `There is no workflow "${name}".`);
  return workflow;
}

const etag = {
  of: ({ workflow }: { workflow: { seq: number } }) => workflow.seq,
  current: ({ name }: { name: string }, state: WorkflowsState) => state.workflows.get(name)?.seq,
};

const { limit } = listInput(100, 1_000);
const cursor = WorkflowName.optional().describe('Goes on where an earlier answer with `more` ended: its `cursor`.');

const list = query({
  name: 'workflows.list',
  summary: 'Workflows by name.',
  http: ['GET /workflows'],
  input: z.object({ limit, cursor }),
  output: z.object({ workflows: z.array(WorkflowOutput), count: z.number(), ...listOutput }),
  run({ limit, cursor = '' }, { state }: QueryContext<State>) {
    const all = [...state.workflows.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
    const rest = all.filter(({ name }) => name > cursor);
    const { taken } = capBytes(rest.slice(0, limit), (each) => Buffer.byteLength(JSON.stringify(each)) + 1);
    return {
      workflows: taken as unknown as Output[],
      count: all.length,
      ...(taken.length < rest.length && { more: true as const, cursor: taken.at(-1)?.name as string }),
    };
  },
});

const get = query({
  name: 'workflows.get',
  summary: 'One workflow.',
  http: ['GET /workflows/:name'],
  input: z.object({ name: WorkflowName }),
  output: z.object({ workflow: WorkflowOutput }),
  etag: { of: etag.of },
  run: ({ name }, { state }: QueryContext<State>) => ({ workflow: find(state, name) as unknown as Output }),
});

const save = command({
  name: 'workflows.save',
  summary: 'Creates a workflow, or replaces the one of this name; tasks that it made stay as they are.',
  http: ['PUT /workflows/:name', 'POST /workflows'],
  actor: 'agent',
  complaint: 'name and tasks are required',
  input: WorkflowInput.extend({ agent: AgentName.optional().describe('Who acts.') }),
  output: z.object({ success: z.literal(true), workflow: WorkflowOutput }),
  etag,
  decide({ agent: _, ...workflow }) {
    requireGraph(workflow.tasks);
    requireFit(workflow);
    return [{ type: 'workflow_saved', subject: workflow.name, data: workflow }];
  },
  answer: (_, state: State, { name }) => ({
    success: true as const,
    workflow: find(state, name) as unknown as Output,
  }),
});

const remove = command({
  name: 'workflows.delete',
  summary: 'Deletes a workflow; tasks that it made stay.',
  http: ['DELETE /workflows/:name'],
  actor: 'agent',
  input: z.object({ name: WorkflowName, agent: AgentName.optional() }),
  output: z.object({ success: z.literal(true) }),
  etag: { of: () => undefined, current: etag.current },
  decide({ name }, { state }: Context<State>) {
    find(state, name);
    return [{ type: 'workflow_deleted', subject: name, data: { name } }];
  },
  answer: () => ({ success: true as const }),
});

export const workflows = capability<State>()({
  name: 'workflows',
  summary: 'Named lists of tasks with their dependencies, started as a whole.',
  collections: [{ name: 'workflows', keep: 'memory' }],
  operations: [list, get, save, remove, start],
  events: {
    workflow_saved: 'A workflow was created or replaced: name, description, defaults, tasks.',
    workflow_started: 'A workflow was started: name, tasks (key → task id).',
    workflow_deleted: 'A workflow was deleted: name.',
  },
  apply,
  snapshot: (view) => ({ workflows: entitiesOf<Workflow>(view, 'workflows') }),
});
