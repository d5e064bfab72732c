import { z } from 'zod';
import { type Context, command, type LiveCollection, type QueryContext, query } from '../../kernel/capability.ts';
import { Refusal } from '../../kernel/errors.ts';
import type { Event } from '../../kernel/event.ts';
import { AgentName, flag, wholeNumber } from '../../kernel/names.ts';
import { compareKeys } from '../../kernel/order.ts';
import { listInput, listOutput } from '../../kernel/page.ts';
import { ChannelId } from '../channels/schema.ts';
import { claimOf, draftsOfClaim } from './claim.ts';
import { findTask } from './find.ts';
import { fitting, present } from './list.ts';
import { isOffered, queueKey } from './orders.ts';
import { Claim as ClaimOutput, Task as TaskOutput, Ttl } from './schema.ts';
import type { Task, TasksState } from './state.ts';

interface State extends TasksState {
  tasks: LiveCollection<Task>;
}

/** Comma-separated text, or a list. */
const names = z
  .union([z.string().max(1_024), z.array(z.string().max(128)).max(64)])
  .transform((value) =>
    (typeof value === 'string' ? value.split(',') : value).map((item) => item.trim()).filter(Boolean),
  );

const wanted = {
  agent: AgentName.optional().describe('Who asks: also what was given to it is offered.'),
  tags: names.optional().describe('Only tasks with any of these tags, comma-separated.'),
  channel: ChannelId.optional().describe('Only tasks of this channel.'),
  capabilities: names.optional().describe('What the agent can do: only tasks that need no more, comma-separated.'),
};

interface Wanted {
  agent?: string | undefined;
  tags?: readonly string[] | undefined;
  channel?: string | undefined;
  capabilities?: readonly string[] | undefined;
}

/** The key of those who wait for a task that may be claimed: given to this agent, or to nobody. */
export function nextKey(assignee: string | undefined): string {
  return `next ${assignee ?? ''}`;
}

/** The first task of the queue for this agent. */
export function firstFor({ agent, ...wanted }: Wanted, state: State): Task | undefined {
  const suits = (task: Task) => isWanted(task, wanted);
  const { tasks } = state;
  const queue = tasks.count('next', '') + (agent === undefined ? 0 : tasks.count('next', agent));
  const labels = wanted.tags?.map((tag) => `tags ${tag}`) ?? [];
  const labelled = labels.reduce((sum, label) => sum + tasks.count('label', label), 0);
  // Where few tasks have the tags at all, those are looked at, and not the whole queue.
  if (labels.length > 0 && labelled < queue) {
    const found = labels.flatMap((label) => [...tasks.inOrder('label', label)]);
    return first(found.filter((task) => isOffered(task) && [undefined, agent].includes(task.assignee) && suits(task)));
  }
  const free = find(tasks.inOrder('next', ''), suits);
  const own = agent === undefined ? undefined : find(tasks.inOrder('next', agent), suits);
  return first([free, own].filter((task) => task !== undefined));
}

function first(tasks: readonly Task[]): Task | undefined {
  let best: Task | undefined;
  for (const task of tasks) if (!best || compareKeys(queueKey(task), queueKey(best)) < 0) best = task;
  return best;
}

function find(tasks: Iterable<Task>, suits: (task: Task) => boolean): Task | undefined {
  for (const task of tasks) if (suits(task)) return task;
  return undefined;
}

function isWanted(task: Task, { tags, channel, capabilities }: Wanted): boolean {
  if (tags?.length && !tags.some((tag) => task.tags?.includes(tag))) return false;
  if (channel !== undefined && task.channel !== channel) return false;
  return capabilities === undefined || (task.capabilities ?? []).every((each) => capabilities.includes(each));
}

export const next = command({
  name: 'tasks.next',
  summary: 'The next task for an agent: P0 to P3, then by due time, then the oldest; with claim=1 it is taken at once.',
  http: ['GET /tasks/next', 'POST /tasks/next'],
  actor: 'agent',
  input: z.object({
    ...wanted,
    claim: flag.optional().describe('1: claim it.'),
    ttl: Ttl.optional(),
    wait: wholeNumber(0, 600).default(0).describe('Seconds to wait until there is one.'),
  }),
  output: z.object({
    success: z.literal(true),
    task: TaskOutput.nullable(),
    claim: ClaimOutput.optional(),
    message: z.string().optional(),
  }),
  decide(input, context: Context<State>) {
    if (!input.claim) return [];
    if (input.agent === undefined)
      throw new Refusal('invalid_input', 'agent: is required to claim', {
        errors: [{ pointer: '/agent', detail: 'is required to claim' }],
        error: 'agent is required to claim',
      });
    const task = firstFor(input, context.state);
    return task === undefined ? [] : draftsOfClaim(task, input.agent, input.ttl, context);
  },
  wait: {
    idle: (input, { state }) => !(input.claim && input.agent === undefined) && firstFor(input, state) === undefined,
    keys: ({ agent }) => [nextKey(undefined), ...(agent === undefined ? [] : [nextKey(agent)])],
  },
  answer(events: readonly Event[], state: State, input) {
    const [claimed] = events;
    const task = claimed
      ? findTask(state, claimed.subject as string)
      : input.claim
        ? undefined
        : firstFor(input, state);
    if (task === undefined) return { success: true as const, task: null, message: 'No available tasks' };
    return {
      success: true as const,
      task: task as z.input<typeof TaskOutput>,
      ...(claimed && { claim: claimOf(events, state, task.id) }),
    };
  },
});

const { limit, fields, compact } = listInput(100, 1_000);

export const backlog = query({
  name: 'tasks.backlog',
  summary: 'What anybody may take, in the order of the queue.',
  http: ['GET /tasks/backlog'],
  input: z.object({ limit, fields, compact }),
  output: z.object({ tasks: z.array(TaskOutput.partial()), count: z.number(), more: listOutput.more }),
  run({ limit, fields, compact }, { state }: QueryContext<State>) {
    const count = state.tasks.count('next', '');
    const first: Task[] = [];
    for (const task of state.tasks.inOrder('next', '')) if (first.push(task) === limit) break;
    const taken = fitting(first);
    return {
      tasks: present(taken, fields, compact),
      count,
      ...(taken.length < count && { more: true as const }),
    };
  },
});
