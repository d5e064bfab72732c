import { z } from 'zod';
import { isShallow } from '../../kernel/names.ts';
import { TOOL_FAULTS, TOOL_STATUSES } from '../../kernel/toolbox.ts';

export const ToolName = z
  .string()
  .regex(/^[A-Za-z0-9_][\w.:-]{0,255}$/, 'a tool’s name has letters, digits, _ . : -, and at most 256 of them');

const SCHEMA_BYTES = 64 * 1024;

/** A JSON Schema that an agent brings; whether it is one is looked at elsewhere. */
export const Schema = z
  .record(z.string(), z.unknown())
  .refine((value) => isShallow(value, 64), 'nested more than 64 deep')
  .refine((value) => JSON.stringify(value).length <= SCHEMA_BYTES, `larger than ${SCHEMA_BYTES / 1024} KiB`);

export const Status = z.enum(TOOL_STATUSES);

/** A tool as lists show it. */
export const ToolSummary = z.object({
  name: z.string(),
  category: z.string(),
  description: z.string(),
  status: Status.meta({ description: 'Only what is ready can be called.' }),
  reason: z.string().optional().meta({ description: 'What is missing or wrong, where it is not ready.' }),
  source: z.enum(['folder', 'endpoint', 'connection']).meta({ description: 'What runs it.' }),
  agent: z.string().optional().meta({ description: 'Whose it is, where an agent registered it.' }),
});

/** A tool as it is called. */
export const Tool = ToolSummary.extend({
  input_schema: z.record(z.string(), z.unknown()).meta({ description: 'JSON Schema of `input`.' }),
  output_schema: z.record(z.string(), z.unknown()).optional(),
  endpoint: z.string().optional(),
  registeredAt: z.number().optional().meta({ description: 'Milliseconds since 1970.' }),
  seq: z.number().optional(),
});

/** Why a call did not end well. */
export const Fault = z.object({
  code: z.enum(TOOL_FAULTS),
  message: z.string(),
  output: z.string().optional().meta({ description: 'The last that it printed to standard error.' }),
});
