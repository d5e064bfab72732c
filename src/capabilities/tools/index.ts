import { capability } from '../../kernel/capability.ts';
import { call } from './call.ts';
import type { State } from './find.ts';
import { queries } from './list.ts';
import { commands, hangUp } from './register.ts';
import { apply, type RegisteredTool } from './state.ts';

export const tools = capability<State>()({
  name: 'tools',
  summary: 'What agents can do with more than words: tools of folders, and those that agents bring.',
  collections: [{ name: 'tools', keep: 'memory' }],
  operations: [...queries, call, ...commands],
  events: {
    tool_called:
      'A tool was run: tool, agent, durationMs; owner where an agent brought it; via, the tool that called it.',
    tool_failed: 'The same, where it did not end well: error is why.',
    tool_registered: 'An agent brought a tool, or replaced it: the tool, and its endpoint or connection.',
    tool_removed: 'It is gone: name, agent, reason (removed, disconnected).',
  },
  apply,
  hangUp,
  concerns: ({ type, data }, agent) => type.startsWith('tool_') && (data.agent === agent || data.owner === agent),
  health: ({ tools }) => ({ tools: { registered: tools.size } }),
  snapshot: (view) => ({
    tools: view
      .all<{ doc: string }>("SELECT doc FROM entity WHERE collection = 'tools'")
      .map(({ doc }) => JSON.parse(doc) as RegisteredTool),
  }),
});
