import { z } from 'zod';
import type { Operation } from '../../kernel/capability.ts';
import type { ArgumentSpec, JsonSchema, ToolSpec } from './surface.ts';

/** A tool as `tools/list` shows it. */
export interface ListedTool {
  [key: string]: unknown;
  name: string;
  description: string;
  inputSchema: { type: 'object'; properties: Record<string, JsonSchema>; required?: string[]; [key: string]: unknown };
  annotations: {
    readOnlyHint: boolean;
    destructiveHint?: boolean;
    idempotentHint?: boolean;
    openWorldHint: boolean;
  };
}

const AGENT = { type: 'string', description: 'Your name.' };
const KEY = { type: 'string', description: 'To retry safely.' };
const MAX_TOKENS = { type: 'integer', description: 'Of the answer.' };

/** The arguments that tools share, beside their own. */
export function sharedArguments({ effect, lists }: ToolSpec): Record<string, JsonSchema> {
  return {
    agent: AGENT,
    ...(effect !== 'reads' && { idempotency_key: KEY }),
    ...(lists && { max_tokens: MAX_TOKENS }),
  };
}

/** Describes a tool from those of its operations that this server has. */
export function describeTool(tool: ToolSpec, operations: ReadonlyMap<string, Operation>): ListedTool {
  const projected = tool.operations.flatMap((name) => operations.get(name) ?? []);
  const properties: Record<string, JsonSchema> = {};
  const whole = projected.length === tool.operations.length;
  for (const [name, argument] of Object.entries(tool.arguments)) {
    // A server of fewer capabilities has no use for an argument of what it lacks.
    if (!whole && typeof argument === 'string' && fieldOf(name, projected) === undefined) continue;
    properties[name] = describeArgument(tool, name, argument, projected);
  }
  return {
    name: tool.name,
    description: tool.description,
    inputSchema: {
      type: 'object',
      properties: { ...properties, ...sharedArguments(tool) },
      ...(tool.required && { required: [...tool.required] }),
    },
    annotations: annotationsOf(tool),
  };
}

/** Where they differ from what the protocol takes for granted: what only reads destroys nothing and may be repeated. */
function annotationsOf({ effect, idempotent }: ToolSpec): ListedTool['annotations'] {
  return effect === 'reads'
    ? { readOnlyHint: true, openWorldHint: false }
    : {
        readOnlyHint: false,
        destructiveHint: effect === 'destroys',
        ...(idempotent && { idempotentHint: true }),
        openWorldHint: false,
      };
}

function describeArgument(
  tool: ToolSpec,
  name: string,
  argument: ArgumentSpec,
  operations: readonly Operation[],
): JsonSchema {
  if (typeof argument !== 'string') return { ...argument.schema, description: argument.says };
  const field = fieldOf(name, operations);
  if (field === undefined) throw new Error(`tool ${tool.name}: no operation of it has the field ${name}`);
  const schema = z.toJSONSchema(field, { io: 'input', unrepresentable: 'any' }) as JsonSchema;
  const description = argument === '' ? schema.description : argument;
  return { ...simplify(schema), ...(description !== undefined && { description }) };
}

function fieldOf(name: string, operations: readonly Operation[]): z.ZodType | undefined {
  return operations.map(({ input }) => (input.shape as Record<string, z.ZodType>)[name]).find((field) => field);
}

/** A schema as a model needs it: its type and what may be chosen. The operation checks the rest, and says what is wrong. */
function simplify(schema: JsonSchema): JsonSchema {
  const options = schema.anyOf as JsonSchema[] | undefined;
  if (options !== undefined) return eitherOf(options.map(simplify));
  const { type, items } = schema;
  return {
    ...(type !== undefined && { type }),
    ...(schema.enum !== undefined && { enum: schema.enum }),
    ...(type === 'array' && typeof items === 'object' && items !== null && { items: simplify(items as JsonSchema) }),
  };
}

/** One schema for several. Text beside a number or a yes is how doors without types carry it, and is not shown. */
function eitherOf(options: readonly JsonSchema[]): JsonSchema {
  const types = [...new Set(options.flatMap(({ type }) => type as string))];
  if (types.includes('null')) {
    const rest = eitherOf(options.filter(({ type }) => type !== 'null'));
    const values = rest.enum as unknown[] | undefined;
    return { ...rest, type: [rest.type, 'null'].flat(), ...(values && { enum: [...values, null] }) };
  }
  const first = options[0] as JsonSchema;
  if (types.length === 1 || types[0] === 'boolean' || types[0] === 'number') return first;
  return { type: types };
}
