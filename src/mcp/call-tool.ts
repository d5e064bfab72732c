import { wrong } from '../transports/mcp/call.ts';
import type { Input, ToolSpec } from '../transports/mcp/surface.ts';
import { indented } from './lines.ts';

interface Found {
  operations?: { name: string; summary: string; input?: { field: string; required: boolean }[] }[];
}

interface Shared {
  tools: { name: string; description: string; status: string; reason?: string }[];
  count: number;
}

/** What a tool of a folder, or of an agent, answers. */
interface Ran {
  success: boolean;
  error?: { code: string; message: string; output?: string };
}

/** Operations whose answer is a stream have no answer here. */
const STREAMS = new Set(['events.subscribe']);

/** Tools of folders that one search shows; there may be hundreds. */
const SHOWN = 20;

export const callTool: ToolSpec = {
  name: 'call_tool',
  description:
    'Everything else: workflows, recurring tasks, channels, presence, history, analytics, and the tools that the team shares. First find it with `q`, which shows names and fields; then call it with `name` and `input`.',
  effect: 'destroys',
  operations: ['system.capabilities', 'tools.list', 'tools.call'],
  arguments: {
    q: { says: 'Words to find a tool by; alone.', schema: { type: 'string' } },
    name: { says: 'The tool, as found: workflows.start.', schema: { type: 'string' } },
    input: { says: 'Its fields.', schema: { type: 'object' } },
  },
  waits: ({ name }) => name !== undefined,
  plan({ q, name, input = {} }, operations) {
    if (name === undefined) {
      if (typeof q !== 'string' || q.trim() === '') throw wrong('q', 'give q to find a tool, or name to call one');
      const beside = operations.has('tools.list') && { operation: 'tools.list', input: { q, limit: SHOWN } };
      return { operation: 'system.capabilities', input: { q }, ...(beside && { beside }) };
    }
    if (typeof name !== 'string' || STREAMS.has(name)) throw wrong('name', 'there is no such tool; find it with q');
    if (input === null || typeof input !== 'object' || Array.isArray(input)) throw wrong('input', 'an object');
    if (operations.has(name)) return { operation: name, input: { ...(input as Input) } };
    if (!operations.has('tools.call')) throw wrong('name', 'there is no such tool; find it with q');
    return { operation: 'tools.call', input: { name, input } };
  },
  tell(answer: Found & Input, { operation, input }, beside) {
    if (operation !== 'system.capabilities' || input.q === undefined) {
      const failed = operation === 'tools.call' && !(answer as unknown as Ran).success;
      const { error } = answer as unknown as Ran;
      return {
        fields: { result: answer },
        lines: failed && error ? [`${error.code}: ${error.message}`] : [JSON.stringify(answer)],
        ...(failed && { failed }),
      };
    }
    const tools = answer.operations ?? [];
    const { tools: shared, count } = (beside ?? { tools: [], count: 0 }) as Shared;
    const lines = [
      ...tools.map(
        ({ name, summary, input = [] }) =>
          `${name}(${input.map(({ field, required }) => (required ? field : `${field}?`)).join(', ')}): ${summary}`,
      ),
      ...shared.map(({ name, description, status, reason }) =>
        status === 'ready' ? `${name}: ${indented(description)}` : `${name} (${status}: ${indented(reason ?? '')})`,
      ),
      ...(count > shared.length ? [`and ${count - shared.length} more: use more words`] : []),
      ...(shared.length > 0 ? ['the fields of a shared tool: call_tool {name: "tools.get", input: {name}}'] : []),
    ];
    return {
      fields: { tools, shared, count: tools.length + count },
      lines: lines.length > 0 ? lines : ['nothing is found: use other words'],
    };
  },
};
