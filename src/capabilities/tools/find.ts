import type { z } from 'zod';
import type { LiveCollection, QueryContext } from '../../kernel/capability.ts';
import { Refusal } from '../../kernel/errors.ts';
import type { FoundTool } from '../../kernel/toolbox.ts';
import type { Tool } from './schema.ts';
import type { RegisteredTool, ToolsState } from './state.ts';

export interface State extends ToolsState {
  tools: LiveCollection<RegisteredTool>;
}

type Looking = Pick<QueryContext<State>, 'state' | 'toolbox' | 'connections'>;

/** A tool of either kind. */
export type Known =
  | { kind: 'folder'; tool: FoundTool; name: string }
  | { kind: 'registered'; tool: RegisteredTool; name: string };

/** The tool that an agent registered; one whose connection is gone is gone with it. */
export function registered({ state, connections }: Omit<Looking, 'toolbox'>, name: string): RegisteredTool | undefined {
  const tool = state.tools.get(name);
  return tool?.connection !== undefined && !connections.has(tool.connection) ? undefined : tool;
}

/** Every tool. Where an agent has registered the name of a folder's tool, that one is `category.name`. */
export async function allTools(context: Looking): Promise<Known[]> {
  const found = await context.toolbox.tools();
  const own = [...context.state.tools.values()].filter(({ name }) => registered(context, name));
  const taken = new Set(own.map(({ name }) => name));
  return [
    ...found.map((tool) => ({
      kind: 'folder' as const,
      tool,
      name: taken.has(tool.name) ? tool.qualified : tool.name,
    })),
    ...own.map((tool) => ({ kind: 'registered' as const, tool, name: tool.name })),
  ];
}

/** Throws `tool_not_found`. */
export async function findTool(context: Looking, name: string): Promise<Known> {
  const own = registered(context, name);
  if (own) return { kind: 'registered', tool: own, name };
  const tool = await context.toolbox.find(name);
  if (tool) return { kind: 'folder', tool, name };
  const known = await context.toolbox.tools();
  const meant = known.filter(({ qualified }) => qualified.endsWith(`.${name}`)).map(({ qualified }) => qualified);
  const why =
    meant.length > 0
      ? ` Several have that name: ${meant.join(', ')}.`
      : context.toolbox.folders.length === 0
        ? ' No folder of tools is read: TOOLS_DIR is not set.'
        : '';
  throw new Refusal('tool_not_found', `There is no tool "${name}".${why}`, {
    ...(meant.length > 0 && { extra: { candidates: meant } }),
  });
}

/** A tool as doors show it. */
export function shown({ kind, tool, name }: Known): z.input<typeof Tool> {
  const { category, description, input_schema, output_schema } = tool;
  const schemas = { input_schema: { ...input_schema }, ...(output_schema && { output_schema: { ...output_schema } }) };
  if (kind === 'folder') {
    const { status, reason } = tool;
    return {
      name,
      category,
      description,
      status,
      ...(reason !== undefined && { reason }),
      source: 'folder',
      ...schemas,
    };
  }
  const { agent, endpoint, registeredAt, seq } = tool;
  const source = endpoint === undefined ? ('connection' as const) : ('endpoint' as const);
  const common = { name, category, description, status: 'ready' as const, source, agent };
  return { ...common, ...schemas, ...(endpoint !== undefined && { endpoint }), registeredAt, seq };
}
