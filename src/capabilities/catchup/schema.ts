import { z } from 'zod';

const Item = z.object({
  id: z.string(),
  from: z.string(),
  channel: z.string(),
  reason: z.string().optional(),
  text: z.string(),
});

function section<T extends z.ZodType>(item: T) {
  return z.object({ total: z.number(), items: z.array(item) });
}

/** What an agent missed, as it is answered. */
export const CatchUp = z.object({
  agent: z.string(),
  addressed: section(Item).meta({ description: 'To the agent, oldest first; what is not shown is counted.' }),
  decisions: section(Item),
  tasks: section(
    z.object({ id: z.string(), title: z.string(), status: z.string(), assignee: z.string().optional() }),
  ).meta({ description: 'That it does, made or reviews, and that changed.' }),
  channels: z.record(z.string(), z.number()).meta({ description: 'Messages posted, the loudest channels first.' }),
  otherChannels: z
    .object({ channels: z.number(), messages: z.number() })
    .optional()
    .meta({ description: 'Channels that are not named here, and how many messages were posted there.' }),
  threads: z
    .array(z.object({ id: z.string(), channel: z.string(), replies: z.number(), text: z.string() }))
    .meta({ description: 'The loudest.' }),
  cursor: z.string(),
  more: z.boolean(),
  next: z.string().meta({ description: 'The request that goes on from here.' }),
  ack: z.string().meta({ description: 'The request that says: this far I know.' }),
});
export type CatchUp = z.input<typeof CatchUp>;
