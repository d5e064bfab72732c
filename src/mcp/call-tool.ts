import { wrong } from '../transports/mcp/call.ts';
import type { Input, ToolSpec } from '../transports/mcp/surface.ts';

interface Found {
  operations?: { name: string; summary: string; input?: { field: string; required: boolean }[] }[];
}

/** Operations whose answer is a stream have no answer here. */
const STREAMS = new Set(['events.subscribe']);

export const callTool: ToolSpec = {
  name: 'call_tool',
  description:
    'Everything else this server can do, such as workflows, recurring tasks, channels, presence, history, analytics, and shared tools of the team. First find it with `q`, which shows names and fields; then call it with `name` and `input`.',
  effect: 'destroys',
  operations: ['system.capabilities'],
  arguments: {
    q: { says: 'Words to find a tool by; alone.', schema: { type: 'string' } },
    name: { says: 'The tool, as found: workflows.start.', schema: { type: 'string' } },
    input: { says: 'Its fields.', schema: { type: 'object' } },
  },
  waits: ({ name }) => name !== undefined,
  plan({ q, name, input = {} }, operations) {
    if (name === undefined) {
      if (typeof q !== 'string' || q.trim() === '') throw wrong('q', 'give q to find a tool, or name to call one');
      return { operation: 'system.capabilities', input: { q } };
    }
    if (typeof name !== 'string' || !operations.has(name) || STREAMS.has(name))
      throw wrong('name', 'there is no such tool; find it with q');
    if (input === null || typeof input !== 'object' || Array.isArray(input)) throw wrong('input', 'an object');
    return { operation: name, input: { ...(input as Input) } };
  },
  tell(answer: Found & Input, { operation, input }) {
    if (operation !== 'system.capabilities' || input.q === undefined)
      return { fields: { result: answer }, lines: [JSON.stringify(answer)] };
    const tools = answer.operations ?? [];
    return {
      fields: { tools, count: tools.length },
      lines:
        tools.length > 0
          ? tools.map(
              ({ name, summary, input = [] }) =>
                `${name}(${input.map(({ field, required }) => (required ? field : `${field}?`)).join(', ')}): ${summary}`,
            )
          : ['nothing is found: use other words'],
    };
  },
};
