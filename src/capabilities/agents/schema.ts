import { z } from 'zod';
import { AgentName } from '../../kernel/names.ts';

const Aliases = z
  .array(AgentName)
  .max(16)
  .refine((all) => new Set(all.map((each) => each.toLowerCase())).size === all.length, 'an alias is given twice');

/** What an agent may say of itself; `null` takes a field away. */
export const profile = {
  role: z.string().min(1).max(200).nullable().optional().describe('What it is here for.'),
  aliases: Aliases.nullable().optional().describe('Other names by which it may be mentioned and written to.'),
  capabilities: z.array(z.string().min(1).max(128)).max(64).nullable().optional().describe('What it can do.'),
  description: z.string().min(1).max(2_000).nullable().optional(),
  kind: z.enum(['agent', 'human']).nullable().optional().describe('An agent, unless said.'),
};

/** An agent as every door shows it. */
export const Agent = z.object({
  name: z.string(),
  firstSeen: z.number().meta({ description: 'When it first acted or was registered: milliseconds since 1970.' }),
  role: z.string().optional(),
  aliases: z.array(z.string()).optional(),
  capabilities: z.array(z.string()).optional(),
  description: z.string().optional(),
  kind: z.enum(['agent', 'human']).optional(),
  seq: z.number().meta({ description: 'The event that last changed it; its ETag.' }),
});
