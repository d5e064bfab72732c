import { z } from 'zod';
import { capability, type LiveCollection, type QueryContext, query } from '../../kernel/capability.ts';
import { AgentName } from '../../kernel/names.ts';
import { DEFAULT_SUBSCRIPTIONS } from '../channels/state.ts';
import { apply, type Inbox, type InboxState } from './state.ts';

interface State extends InboxState {
  inboxes: LiveCollection<Inbox>;
}

const subscriptions = query({
  name: 'inbox.subscriptions',
  summary: 'The channels that an agent follows.',
  http: ['GET /inbox/:agent/subscriptions'],
  input: z.object({ agent: AgentName }),
  output: z.object({ subscriptions: z.array(z.string()) }),
  run: ({ agent }, { state }: QueryContext<State>) => ({
    subscriptions: [...(state.inboxes.get(agent)?.subscriptions ?? DEFAULT_SUBSCRIPTIONS)],
  }),
});

export const inbox = capability<State>({
  name: 'inbox',
  summary: 'What each agent follows and has seen.',
  collections: [{ name: 'inboxes', keep: 'memory' }],
  operations: [subscriptions],
  events: {
    inbox_imported: 'What an agent follows and had seen elsewhere: agent, subscriptions, acknowledged, lastReadAt.',
  },
  apply,
  readers: ({ data }) => [String(data.agent)],
  concerns: ({ data }, agent) => data.agent === agent,
  health: (state) => ({ inbox: { agents: state.inboxes.size, defaultSubscriptions: DEFAULT_SUBSCRIPTIONS } }),
  snapshot: (view, agent) => ({
    inboxes: view
      .all<{ doc: string }>("SELECT doc FROM entity WHERE collection = 'inboxes' AND id = ?", agent ?? null)
      .map(({ doc }) => JSON.parse(doc) as Inbox),
  }),
});
