import type { ArgumentSpec, JsonSchema, ToolSpec } from '../transports/mcp/surface.ts';

const text: JsonSchema = { type: 'string' };
const list: JsonSchema = { type: 'array', items: text };

function field(schema: JsonSchema, says: string): ArgumentSpec {
  return { schema, says };
}

/** The tools of the first reflectt-node: what they take and answer is as it was. */
function legacy(
  name: string,
  description: string,
  operation: string,
  more: Pick<ToolSpec, 'effect' | 'arguments'> & Partial<ToolSpec>,
): ToolSpec {
  return {
    name,
    description,
    operations: [operation],
    tell: (answer: object) => ({ fields: answer, lines: [JSON.stringify(answer)], bare: true }),
    ...more,
  };
}

export const legacyTools: readonly ToolSpec[] = [
  legacy('send_message', 'Send a message to the team chat; post_message says more.', 'messages.send', {
    effect: 'writes',
    arguments: { from: 'Your name.', content: 'The text.', to: 'An agent.', channel: '', threadId: '', metadata: '' },
    required: ['content'],
  }),
  legacy('get_messages', 'Recent chat messages; read_messages says more.', 'messages.list', {
    effect: 'reads',
    arguments: {
      from: 'By this agent.',
      to: 'To this agent.',
      channel: '',
      limit: '',
      since: 'Milliseconds since 1970.',
    },
    plan: ({ limit = 50, ...rest }) => ({ operation: 'messages.list', input: { ...rest, limit } }),
  }),
  legacy('list_rooms', 'All chat rooms.', 'channels.rooms', { effect: 'reads', arguments: {} }),
  legacy('create_room', 'Create a chat room.', 'channels.create', {
    effect: 'writes',
    arguments: { id: 'Its id.', name: 'Its name.' },
    required: ['id'],
  }),
  legacy('list_tasks', 'Tasks by status, assignee, priority or tags; get_tasks says more.', 'tasks.list', {
    effect: 'reads',
    arguments: { status: '', assignee: '', createdBy: '', priority: '', tags: field(list, 'Any of these.') },
    plan: ({ tags, ...rest }) => ({
      operation: 'tasks.list',
      input: { ...rest, ...(tags !== undefined && { tags: Array.isArray(tags) ? tags.join(',') : tags }) },
    }),
  }),
  legacy('get_task', 'One task.', 'tasks.get', { effect: 'reads', arguments: { id: 'The task.' }, required: ['id'] }),
  legacy('delete_task', 'Delete a task.', 'tasks.delete', {
    effect: 'destroys',
    arguments: { id: 'The task.', claim: '', takeover: '' },
    required: ['id'],
  }),
  legacy('get_next_task', 'The next task, without a claim; next_task claims it.', 'tasks.next', {
    effect: 'reads',
    arguments: {},
  }),
];
