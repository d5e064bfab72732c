import { capability, entitiesOf } from '../../kernel/capability.ts';
import { operations, type State } from './operations.ts';
import { apply, type Channel, DEFAULT_CHANNELS, dmEnds, isDefault, mayRead, TASK_THREAD } from './state.ts';

export const channels = capability<State>()({
  name: 'channels',
  summary:
    'Places where messages are. Five are always there; others are created by name or by the first message to them.',
  collections: [
    { name: 'channels', keep: 'memory' },
    { name: 'post_counts', keep: 'memory' },
  ],
  operations,
  events: {
    channel_created: 'A channel was created: channel, name.',
    channel_updated: 'A channel was renamed, archived or opened again: channel, and what changed.',
  },
  topics: ['chat'],
  apply,
  readers: ({ data }) => dmEnds(String(data.channel)),
  health(state) {
    let totalMessages = 0;
    let rooms = DEFAULT_CHANNELS.length as number;
    for (const channel of state.channels.values()) {
      totalMessages += channel.count;
      if (!isDefault(channel.id) && !channel.id.startsWith(TASK_THREAD) && dmEnds(channel.id) === undefined) rooms++;
    }
    return { chat: { totalMessages, rooms } };
  },
  snapshot: (view, agent) => ({
    channels: entitiesOf<Channel>(view, 'channels').filter(({ id }) => mayRead(id, agent)),
  }),
});
