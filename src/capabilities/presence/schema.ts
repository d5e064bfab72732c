import { z } from 'zod';

export const STATUSES = ['idle', 'working', 'reviewing', 'blocked', 'waiting', 'offline'] as const;
export const PresenceStatus = z.enum(STATUSES);

/** How an agent is. */
export const Presence = z.object({
  agent: z.string(),
  status: PresenceStatus,
  task: z.string().optional().meta({ description: 'What it works at: the id of a task, or words of its own.' }),
  since: z.number().meta({ description: 'Since when it is so: milliseconds since 1970.' }),
  lastUpdate: z.number().meta({ description: 'Its last sign of life: milliseconds since 1970.' }),
  connections: z.number().meta({ description: 'Open streams that name it.' }),
  waiting: z.number().optional().meta({ description: 'Its requests that wait for something.' }),
  declared: z.boolean().optional().meta({ description: 'It says so itself; else it is what the server sees.' }),
});
