import { z } from 'zod';
import { type Context, command } from '../../kernel/capability.ts';
import type { Draft, Event } from '../../kernel/event.ts';
import { Outcome, outcomeOf, Time } from '../../kernel/import.ts';
import { AgentName, EntityId } from '../../kernel/names.ts';
import { ChannelId } from '../channels/schema.ts';
import type { Inbox, InboxState } from './state.ts';

/** An agent's inbox as it was elsewhere. */
export const ImportedInbox = z.object({
  agent: AgentName,
  subscriptions: z.array(ChannelId).max(1_000).optional(),
  acknowledged: z.array(EntityId).default([]),
  lastReadAt: Time.optional(),
});
export type ImportedInbox = z.infer<typeof ImportedInbox>;

/** Acknowledgements in one event: with the longest ids still well below what an event holds. */
const IDS_AN_EVENT = 100;

/** Takes over inboxes; an inbox that is there already stays as it is. No door shows this. */
export const importInboxes = command({
  name: 'inbox.import',
  summary: 'Takes over what agents follow and have seen.',
  http: [],
  input: z.object({ inboxes: z.array(ImportedInbox) }),
  output: z.object({ outcomes: z.array(Outcome) }),
  decide({ inboxes }, { state }: Context<InboxState>) {
    const drafts: Draft[] = [];
    const made = new Set<string>();
    for (const inbox of inboxes) {
      const { agent, acknowledged, ...rest } = normal(inbox);
      if (used(state.inboxes.get(agent)) !== undefined || made.has(agent)) continue;
      made.add(agent);
      for (let at = 0; at === 0 || at < acknowledged.length; at += IDS_AN_EVENT) {
        drafts.push({
          type: 'inbox_imported',
          actor: agent,
          subject: agent,
          data: { agent, ...rest, acknowledged: acknowledged.slice(at, at + IDS_AN_EVENT) },
        });
      }
    }
    return drafts;
  },
  answer(events: readonly Event[], state: InboxState, { inboxes }) {
    const imported = new Set(events.map(({ subject }) => subject));
    return {
      outcomes: inboxes.map((inbox) =>
        imported.has(inbox.agent) ? 'imported' : outcomeOf(normal(inbox), used(state.inboxes.get(inbox.agent))),
      ),
    };
  },
});

/** Every name once. */
function normal(inbox: ImportedInbox): ImportedInbox {
  return {
    ...inbox,
    ...(inbox.subscriptions && { subscriptions: [...new Set(inbox.subscriptions)] }),
    acknowledged: [...new Set(inbox.acknowledged)],
  };
}

/** What an agent made of its inbox itself, here or elsewhere; undefined where others have only written to it. */
function used(inbox: Inbox | undefined): ImportedInbox | undefined {
  if (inbox === undefined) return undefined;
  const { agent, subscriptions, acknowledged, lastReadAt, readUpTo, ackedUpTo } = inbox;
  if (subscriptions === undefined && acknowledged === undefined && readUpTo + ackedUpTo === 0) return undefined;
  return {
    agent,
    ...(subscriptions && { subscriptions: [...subscriptions] }),
    acknowledged: [...(acknowledged ?? [])],
    ...(lastReadAt !== undefined && { lastReadAt }),
  };
}
