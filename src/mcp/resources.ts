import type { ResourceSpec } from '../transports/mcp/surface.ts';

export const resources: readonly ResourceSpec[] = [
  {
    uri: 'board://',
    name: 'board',
    title: 'The board',
    description: 'Tasks by status: the columns of the board.',
    read: () => ({ operation: 'tasks.board', input: { compact: true, limit: 50 } }),
    watch: () => [{ filter: { topics: ['task'] } }],
  },
  {
    uri: 'inbox://{agent}',
    name: 'inbox',
    title: 'An inbox',
    description: 'What is for an agent and not acknowledged; reading it here counts nothing as read.',
    read: (agent) => ({ operation: 'inbox.list', input: { agent, peek: true, limit: 50 } }),
    // Whoever may not read it learns nothing of it.
    watch: (agent, reader = agent) => (reader === agent ? [{ filter: { agent } }] : []),
  },
  {
    uri: 'task://{id}',
    name: 'task',
    title: 'A task',
    description: 'One task; it changes with its comments too.',
    read: (id) => ({ operation: 'tasks.get', input: { id } }),
    watch: (id) => [{ filter: { subjects: [id] } }, { filter: { channels: [`task:${id}`] } }],
  },
  {
    uri: 'thread://{id}',
    name: 'thread',
    title: 'A thread',
    description: 'A message and its replies, oldest first.',
    read: (id) => ({ operation: 'messages.thread', input: { id } }),
    watch: (id) => [
      { filter: { subjects: [id] } },
      { filter: { topics: ['message'] }, where: ({ data }) => data.threadId === id },
    ],
  },
  {
    uri: 'channel://{name}',
    name: 'channel',
    title: 'A channel',
    description: 'The newest messages of a channel, oldest first.',
    read: (channel) => ({ operation: 'messages.list', input: { channel, limit: 50 } }),
    watch: (channel) => [{ filter: { channels: [channel] } }],
  },
];
