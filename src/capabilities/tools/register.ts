import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import { type Context, command, type QueryContext } from '../../kernel/capability.ts';
import { type FieldError, Refusal } from '../../kernel/errors.ts';
import type { Draft } from '../../kernel/event.ts';
import { AgentName } from '../../kernel/names.ts';
import { registered, type State, shown } from './find.ts';
import { Schema, Tool, ToolName } from './schema.ts';
import type { RegisteredTool } from './state.ts';

/** Tools that one agent may have registered. */
const EACH = 100;

function requireOwner(tool: RegisteredTool | undefined, agent: string, name: string): void {
  if (tool !== undefined && tool.agent !== agent)
    throw new Refusal('tool_of_another', `The tool "${name}" is ${tool.agent}'s.`, { extra: { agent: tool.agent } });
}

const register = command({
  name: 'tools.register',
  summary: 'Brings a tool of your own, or replaces it: others call it, and the server sends the calls to you.',
  http: ['PUT /tools/:name'],
  actor: 'agent',
  complaint: 'agent is required',
  input: z
    .object({
      name: ToolName,
      agent: AgentName.describe('Who owns it.'),
      description: z.string().min(1).max(4_000),
      category: z
        .string()
        .regex(/^[A-Za-z0-9_][\w.:-]{0,127}$/)
        .default('agents'),
      input_schema: Schema.describe('JSON Schema of what it takes, 64 KiB at most.'),
      output_schema: Schema.optional(),
      endpoint: z
        .string()
        .max(2_000)
        .optional()
        .describe('Where calls are sent: POST with {tool, agent, input}; what is answered is the result, as JSON.'),
      connection: z
        .literal(true)
        .optional()
        .describe('Calls come down this /ws connection as frames `ask`; the tool is gone when it closes.'),
    })
    .superRefine(({ endpoint, connection }, context) => {
      if ((endpoint === undefined) === (connection === undefined))
        context.addIssue({ code: 'custom', path: ['endpoint'], message: 'say either endpoint or connection' });
    }),
  output: z.object({ success: z.literal(true), tool: Tool }),
  async prepare({ name, agent, endpoint, connection, ...schemas }, context: QueryContext<State>) {
    const { toolbox } = context;
    const errors: FieldError[] = [];
    for (const field of ['input_schema', 'output_schema'] as const) {
      const complaint = schemas[field] && (await toolbox.checkSchema(schemas[field]));
      if (complaint !== undefined) errors.push({ pointer: `/${field}`, detail: complaint });
    }
    const refused = endpoint === undefined ? undefined : toolbox.refusesEndpoint(endpoint);
    if (refused !== undefined) errors.push({ pointer: '/endpoint', detail: refused });
    if (connection && context.connection === undefined)
      errors.push({ pointer: '/connection', detail: 'this call came over no connection: call it over /ws' });
    if (errors.length > 0)
      throw new Refusal(
        'invalid_input',
        errors.map(({ pointer, detail }) => `${pointer.slice(1)}: ${detail}`).join('; '),
        { errors },
      );
    if (registered(context, name) === undefined && (await toolbox.find(name)) !== undefined)
      throw new Refusal('tool_of_another', `The tool "${name}" is of a folder of tools.`);
    // A tool whose connection is gone is in nobody's way.
    return registered(context, name) === undefined ? context.state.tools.get(name)?.seq : undefined;
  },
  decide({ name, agent, endpoint, connection: _, ...said }, context: Context<State>, gone): Draft[] {
    const { state, connection } = context;
    const before = state.tools.get(name);
    if (before?.seq !== gone) requireOwner(before, agent, name);
    const others = [...state.tools.values()].filter((tool) => tool.agent === agent && tool.name !== name);
    if (others.length >= EACH) throw new Refusal('rate_limited', `${agent} has ${EACH} tools.`);
    const where = endpoint === undefined ? { connection: connection as string } : { endpoint };
    const data = { name, agent, ...said, ...where };
    if (before) {
      const { registeredAt, seq, ...known } = before;
      if (isDeepStrictEqual(known, data)) return [];
    }
    return [{ type: 'tool_registered', subject: name, data }];
  },
  answer: (_, state: State, { name }) => ({
    success: true as const,
    tool: shown({ kind: 'registered', name, tool: state.tools.get(name) as RegisteredTool }),
  }),
});

type Reason = 'removed' | 'disconnected';

function removed({ name, agent }: RegisteredTool, reason: Reason): Draft {
  return { type: 'tool_removed', subject: name, data: { name, agent, reason } };
}

const remove = command({
  name: 'tools.remove',
  summary: 'Takes a tool away that you registered.',
  http: ['DELETE /tools/:name'],
  actor: 'agent',
  complaint: 'agent is required',
  input: z.object({ name: ToolName, agent: AgentName.describe('Who acts.') }),
  output: z.object({ success: z.literal(true) }),
  prepare: async ({ name }, { toolbox }: QueryContext<State>) => (await toolbox.find(name)) !== undefined,
  decide({ name, agent }, { state }: Context<State>, ofFolder) {
    const tool = state.tools.get(name);
    requireOwner(tool, agent, name);
    if (tool) return [removed(tool, 'removed')];
    throw ofFolder
      ? new Refusal('tool_of_another', `The tool "${name}" is of a folder of tools.`)
      : new Refusal('tool_not_found', `There is no tool "${name}".`);
  },
  answer: () => ({ success: true as const }),
});

/** Takes away what a connection answered for that is gone. No door shows this: the server does it by itself. */
export const hangUp = command({
  name: 'tools.hang_up',
  summary: 'Takes away the tools of a connection that is gone.',
  http: [],
  input: z.object({ connection: z.string().optional() }),
  output: z.object({ removed: z.number() }),
  decide: ({ connection }, { state }: Context<State>) =>
    [...state.tools.values()]
      .filter((tool) => tool.connection !== undefined && (connection ?? tool.connection) === tool.connection)
      .map((tool) => removed(tool, 'disconnected')),
  answer: (events) => ({ removed: events.length }),
});

export const commands = [register, remove];
