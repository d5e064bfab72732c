import type { Operation } from '../kernel/capability.ts';
import { wrong } from '../transports/mcp/call.ts';
import type { Input, ToolSpec } from '../transports/mcp/surface.ts';
import { indented, type MessageLike, messageLine, moreLine, paged, type TaskLike, taskLine } from './lines.ts';

interface Task extends TaskLike {
  id: string;
  status: string;
  seq: number;
}

interface TaskAnswer {
  success: true;
  task: Task;
  claim?: TaskLike['claim'];
  comment?: { id: string; channel: string };
}

/** What a change comes to, without what was sent. */
function receipt({ id, status, assignee, priority, claim, open_blockers, blocked_reason, seq }: Task) {
  return {
    id,
    status,
    ...(assignee !== undefined && { assignee }),
    ...(priority !== undefined && { priority }),
    ...(claim !== undefined && { claim }),
    ...(open_blockers !== undefined && { open_blockers }),
    ...(blocked_reason !== undefined && { blocked_reason }),
    seq,
  };
}

const createTask: ToolSpec = {
  name: 'create_task',
  description:
    'Hand over work: creates a task that another agent, or the one you name as assignee, takes with next_task. With `blocked_by` it waits for others; with `reviewer` it is done only when that one approves.',
  effect: 'writes',
  operations: ['tasks.create'],
  arguments: {
    title: 'What is to be done, in a line.',
    description: 'All that whoever does it must know.',
    priority: 'P0 is the most urgent.',
    assignee: '',
    reviewer: '',
    tags: '',
    blocked_by: '',
    parent: '',
    due: { says: 'An ISO 8601 time.', schema: { type: 'string' } },
  },
  alsoTakes: ['createdBy', 'capabilities', 'status', 'channel', 'epic_id', 'position', 'metadata'],
  required: ['title'],
  tell: ({ task }: TaskAnswer) => ({
    fields: { success: true, task: receipt(task) },
    lines: [`created ${task.id}: ${task.status}`],
  }),
};

const nextTask: ToolSpec = {
  name: 'next_task',
  description:
    'Get work: the most urgent task that is free for you, claimed at once so that nobody else does it. Keep the claim with update_task {action: heartbeat} before it ends; then complete, fail or release it. Waits for work with `wait`.',
  effect: 'writes',
  operations: ['tasks.next'],
  arguments: {
    claim: 'false: only look. Unless said: true.',
    wait: 'Seconds to wait for a task, at most 25.',
    tags: '',
    capabilities: '',
    ttl: 'Seconds that the claim lasts after your last sign; 900 unless said.',
  },
  plan: ({ claim = true, ...rest }) => ({ operation: 'tasks.next', input: { ...rest, claim } }),
  tell({ task, claim }: { task: Task | null; claim?: TaskLike['claim'] }) {
    if (task === null) return { fields: { success: true, task: null }, lines: ['no task is free for you'] };
    return {
      fields: { success: true, task, ...(claim && { claim }) },
      lines: [
        taskLine(task),
        ...(task.description ? [`  ${indented(task.description)}`] : []),
        ...(claim ? [`claimed: send claim=${claim.id} with your updates; it ends ${iso(claim.expiresAt)}`] : []),
      ],
    };
  },
};

const ACTIONS: Readonly<Record<string, string>> = {
  update: 'tasks.update',
  claim: 'tasks.claim',
  heartbeat: 'tasks.heartbeat',
  comment: 'tasks.comment',
  complete: 'tasks.complete',
  fail: 'tasks.fail',
  release: 'tasks.release',
  review: 'tasks.review',
};

/** An argument that the action has no use for would be lost: it is refused. */
function requireUseful(action: string, operation: Operation, input: Input): void {
  for (const name in input)
    if (!(name in operation.input.shape)) throw wrong(name, `says nothing where the action is ${action}`);
}

const updateTask: ToolSpec = {
  name: 'update_task',
  description:
    'Change a task, or say how your work at it stands. update: sets the given fields and no others (null clears one). claim: takes this task. heartbeat: keeps your claim. comment: says `comment` in its thread. complete: done, with `result`. fail, release: with `reason`. review: `verdict` as its reviewer.',
  effect: 'writes',
  operations: Object.values(ACTIONS),
  arguments: {
    id: 'The task.',
    action: { says: 'Unless said: update.', schema: { type: 'string', enum: Object.keys(ACTIONS) } },
    claim: 'The id of your claim.',
    title: '',
    description: '',
    status: '',
    priority: '',
    assignee: '',
    reviewer: '',
    tags: '',
    blocked_by: '',
    due: { says: 'An ISO 8601 time.', schema: { type: ['string', 'null'] } },
    result: { says: 'What came of it: text or JSON.', schema: {} },
    artifacts: { says: 'What you leave behind: names, or {name, url}.', schema: { type: 'array' } },
    reason: 'Why.',
    comment: 'For comment and review.',
    verdict: { says: 'For review.', schema: { type: 'string', enum: ['approve', 'reject'] } },
    ttl: 'For claim and heartbeat: seconds.',
    takeover: 'true: also where another agent has it.',
  },
  alsoTakes: ['parent', 'channel', 'capabilities', 'epic_id', 'position', 'metadata'],
  required: ['id'],
  plan({ action = 'update', ...rest }, operations) {
    const name = typeof action === 'string' && Object.hasOwn(ACTIONS, action) ? ACTIONS[action] : undefined;
    if (name === undefined) throw wrong('action', `one of ${Object.keys(ACTIONS).join(', ')}`);
    const { comment, ...others } = rest;
    const input = name === 'tasks.comment' ? { ...others, ...(comment !== undefined && { content: comment }) } : rest;
    if (name === 'tasks.comment' && comment === undefined) throw wrong('comment', 'is required');
    requireUseful(action as string, operations.get(name) as Operation, input);
    return { operation: name, input };
  },
  tell(answer: TaskAnswer, { input }) {
    const { task, claim, comment } = answer;
    const id = String(input.id);
    return {
      fields: {
        success: true,
        ...(task && { task: receipt(task) }),
        ...(claim && { claim }),
        ...(comment && { comment: { id: comment.id, channel: comment.channel } }),
      },
      lines: [
        task ? `${id} is ${task.status}` : comment ? `commented ${comment.id} on ${id}` : `the claim of ${id} lasts on`,
        ...(claim ? [`claim=${claim.id} until ${iso(claim.expiresAt)}`] : []),
      ],
    };
  },
};

interface Tasks {
  task?: Task;
  tasks?: Task[];
  messages?: MessageLike[];
  board?: Record<string, unknown>;
  total?: number;
  more?: boolean;
  cursor?: string;
}

const getTasks: ToolSpec = {
  name: 'get_tasks',
  description:
    'One task whole (`id`), its discussion (`id` and `thread`), or a short list by status, assignee, tags and more, newest change first. To get work, use next_task.',
  effect: 'reads',
  operations: ['tasks.list', 'tasks.get', 'tasks.thread'],
  arguments: {
    id: { says: 'One task.', schema: { type: 'string' } },
    thread: { says: 'true: comments on it, and what became of it.', schema: { type: 'boolean' } },
    status: '',
    assignee: '',
    createdBy: '',
    reviewer: '',
    priority: '',
    tags: 'Any of these, comma-separated.',
    parent: 'Parts of this task.',
    sort: '',
    limit: 'Tasks at most; 20 unless said.',
    cursor: 'An earlier `next_cursor`.',
  },
  alsoTakes: ['blocked', 'channel', 'epic_id', 'since', 'due_before', 'order'],
  lists: ['tasks', 'messages'],
  plan({ id, thread, limit = 20, ...rest }, operations) {
    if (id === undefined) {
      if (thread !== undefined) throw wrong('id', 'is required with thread');
      return { operation: 'tasks.list', input: { compact: true, ...rest, limit } };
    }
    const name = thread ? 'tasks.thread' : 'tasks.get';
    requireUseful(thread ? 'thread' : 'id', operations.get(name) as Operation, rest);
    return { operation: name, input: { id, ...(thread ? { ...rest, limit } : {}) } };
  },
  tell(answer: Tasks) {
    const { task, tasks, messages } = answer;
    if (task)
      return {
        fields: { task },
        lines: [taskLine(task), ...(task.description ? [`  ${indented(task.description)}`] : [])],
      };
    return {
      fields: paged(answer),
      lines: [...(tasks?.map(taskLine) ?? messages?.map(messageLine) ?? []), ...moreLine(answer)],
    };
  },
};

function iso(at: number): string {
  return new Date(at).toISOString();
}

export const taskTools = { createTask, nextTask, updateTask, getTasks };
