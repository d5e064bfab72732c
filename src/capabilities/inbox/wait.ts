import { z } from 'zod';
import { type QueryContext, query } from '../../kernel/capability.ts';
import { wholeNumber } from '../../kernel/names.ts';
import { shorten } from '../../kernel/page.ts';
import { selectAddressed } from './listing.ts';
import { agent, InboxMessage } from './schema.ts';
import { type InboxState, unreadOf } from './state.ts';

/** Things that one answer holds. */
const MOST = 50;
/** Characters of each. */
const LENGTH = 280;

export const waitFor = query({
  name: 'inbox.wait',
  summary: 'Answers as soon as something is addressed to an agent: at once where there is something after the cursor.',
  http: ['GET /wait/:agent'],
  actor: 'agent',
  input: z.object({
    agent,
    after: z.string().max(64).optional().describe('A cursor of an earlier answer. Unless said: now.'),
    timeout: wholeNumber(0, 600).optional().describe('Seconds to wait at most.'),
    wait: wholeNumber(0, 600).default(25).describe('The same.'),
  }),
  output: z.object({
    items: z.array(InboxMessage.partial()),
    count: z.number(),
    cursor: z.string().meta({ description: 'Wait again with `after` set to it.' }),
    more: z.boolean().optional(),
    unread: z.number(),
    mentions: z.number(),
  }),
  async run({ agent, after, wait, timeout = wait }, context: QueryContext<InboxState>) {
    const { feed, state, now } = context;
    let from = feed.locateOrRefuse(after);
    const sleeper = context.sleeper([`to ${agent}`], timeout * 1_000);
    try {
      for (;;) {
        const { waiting } = sleeper;
        const { entries, upTo } = await context.index((view) => ({
          entries: selectAddressed(view, agent, { after: from, upTo: view.seq, since: 0, now }, -1, MOST + 1),
          upTo: view.seq,
        }));
        const shown = entries.slice(0, MOST);
        const more = entries.length > MOST;
        if (shown.length > 0 || !waiting)
          return {
            items: shown.map(({ message: { id, from, content, channel, timestamp }, priority, reason }) => ({
              id,
              from,
              content: shorten(content, LENGTH),
              channel,
              timestamp,
              priority,
              reason,
            })),
            count: shown.length,
            cursor: feed.cursor(more ? (shown.at(-1)?.seq as number) : upTo),
            ...(more && { more: true as const }),
            ...unreadOf(state, agent),
          };
        from = upTo;
        await sleeper.woken();
      }
    } finally {
      sleeper.leave();
    }
  },
});
