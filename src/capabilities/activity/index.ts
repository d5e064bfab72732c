import { z } from 'zod';
import { capability, type QueryContext, query } from '../../kernel/capability.ts';
import { placeOf } from '../../kernel/cursor.ts';
import { Refusal } from '../../kernel/errors.ts';
import { matcher, Names } from '../../kernel/feed/filter.ts';
import { AgentName, ANONYMOUS, SYSTEM, wholeNumber } from '../../kernel/names.ts';
import { listInput } from '../../kernel/page.ts';
import { type NamedAgents, resolveAgent } from '../agents/index.ts';
import { ChannelId } from '../channels/schema.ts';
import { mayRead } from '../channels/state.ts';
import { ActivityPage, showPlaces } from './listing.ts';
import { ask, findPlaces, newestOf, type Place, statementOf } from './places.ts';
import { activityTable } from './projection.ts';
import { type ActivityState, apply } from './state.ts';

type State = ActivityState & NamedAgents;

const list = query({
  name: 'activity.list',
  summary: 'What happened, newest first; of what is private, what concerns the caller (X-Agent) alone.',
  http: ['GET /activity'],
  input: z.object({
    agent: z
      .union([AgentName, z.literal([ANONYMOUS, SYSTEM])])
      .optional()
      .describe('Only what this agent did, by its name or an alias. It does not name the caller.'),
    type: Names.optional().describe('Types of events, comma-separated; * at the end matches any ending.'),
    channel: ChannelId.optional(),
    since: wholeNumber(0, Number.MAX_SAFE_INTEGER)
      .optional()
      .describe('Not before this time, in milliseconds since 1970.'),
    ...listInput(100, 1_000),
  }),
  output: ActivityPage,
  async run({ agent: asked, type, channel, since, limit, cursor, fields, compact }, context: QueryContext<State>) {
    const { agent: reader, epoch, state } = context;
    const agent = asked === undefined ? undefined : (resolveAgent(state, asked) ?? asked);
    if (channel !== undefined && !mayRead(channel, reader))
      throw new Refusal('not_a_party', `"${channel}" is private to its two ends.`);
    const before = placeOf(cursor, context);
    const filter = { agent, channel, since, wants: matcher(type ?? []) };
    const presentation = { epoch, limit, fields, compact };
    if (agent === undefined || channel === undefined)
      return context.index((view) =>
        showPlaces(view, findPlaces(view, ask(view, filter, reader, before, limit + 1)), presentation),
      );
    // No index has both, so one of them is looked through, on a thread of its own.
    const question = await context.index((view) => ask(view, filter, reader, before, limit + 1));
    const places = await Promise.all(
      question.walks.map((walk) => {
        const { sql, params } = statementOf(walk, question);
        return context.scan<Place>(sql, ...params);
      }),
    );
    return context.index((view) => showPlaces(view, newestOf(places.flat(), limit + 1), presentation));
  },
});

export const activity = capability<ActivityState>()({
  name: 'activity',
  summary: 'What happened, whoever did it.',
  collections: [activityTable],
  operations: [list],
  events: {},
  apply,
});
