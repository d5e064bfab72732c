import { z } from 'zod';

const NAME = '[A-Za-z0-9][\\w.-]{0,63}';
const CHANNEL = new RegExp(`^(?:${NAME}|dm:${NAME}:${NAME}|task:\\P{C}{1,128})$`, 'u');

/** A channel's id: a name, `dm:<a>:<b>` with the two names in order, or `task:<id>`. */
export const ChannelId = z
  .string()
  .regex(CHANNEL, 'a channel has 1 to 64 letters, digits, _ . - and begins with a letter or digit');

/** The id of a channel that people may create. */
export const PlainChannelId = z
  .string()
  .regex(new RegExp(`^${NAME}$`), 'a channel has 1 to 64 letters, digits, _ . - and begins with a letter or digit');

export const ChannelName = z.string().trim().min(1).max(120);

/** A channel in the list of the original contract. */
export const ChannelSummary = z.object({
  channel: z.string(),
  count: z.number(),
  lastActivity: z.number(),
  archived: z.boolean().optional(),
});

/** A channel in full: a room of the original contract and more. */
export const Room = z.object({
  id: z.string(),
  name: z.string(),
  participants: z.array(z.string()),
  createdAt: z.number(),
  createdBy: z.string().optional(),
  count: z.number(),
  lastActivity: z.number(),
  archived: z.boolean().optional(),
});
