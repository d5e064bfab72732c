import { z } from 'zod';
import { type Context, command, type Moment } from '../../kernel/capability.ts';
import { AgentName, wholeNumber } from '../../kernel/names.ts';
import { Presence as PresenceOutput, PresenceStatus } from './schema.ts';
import { describe, isWritten, presenceOf, type State, sinceOf, standing } from './standing.ts';
import type { Presence } from './state.ts';

const agent = AgentName.describe('Whose presence it is.');
const Answer = z.object({ success: z.literal(true), presence: PresenceOutput });

function answerWith(agent: string, moment: Moment<State>): z.input<typeof Answer> {
  return { success: true, presence: presenceOf(agent, moment) as Presence };
}

export const declare = command({
  name: 'presence.declare',
  summary: 'An agent says how it is: kept as long as it shows signs of life. `offline` says goodbye.',
  http: ['POST /presence/:agent'],
  actor: 'agent',
  complaint: 'status is required',
  input: z.object({
    agent,
    status: PresenceStatus,
    task: z.string().min(1).max(500).optional().describe('What it works at: the id of a task, or words.'),
    since: wholeNumber(0, Number.MAX_SAFE_INTEGER)
      .optional()
      .describe('Since when, in milliseconds since 1970. Unless said: now.'),
  }),
  output: Answer,
  decide({ agent, status, task, since }, context: Context<State>) {
    const written = context.state.presences.get(agent);
    const said = { ...written, status, task, declared: true, said: context.seq } as Presence;
    const now = standing(agent, context, said);
    const from = Math.min(since ?? sinceOf(written, now) ?? context.now, context.now);
    // To say it is a sign of life, against which a goodbye must be written down each time.
    if (isWritten(written, now) && from === written?.since && status !== 'offline') return [];
    return [{ type: 'presence_updated', subject: agent, data: { ...describe(agent, now, context, from) } }];
  },
  answer: (_, __, { agent }, ___, moment: Moment<State>) => answerWith(agent, moment),
});

export const heartbeat = command({
  name: 'presence.heartbeat',
  summary: 'A sign of life and nothing else: it is written down nowhere.',
  http: ['POST /presence/:agent/heartbeat'],
  actor: 'agent',
  input: z.object({ agent }),
  output: Answer,
  // That it was called is seen by the kernel, as with every command.
  decide: () => [],
  answer: (_, __, { agent }, ___, moment: Moment<State>) => answerWith(agent, moment),
});
