import { z } from 'zod';
import { type Context, command, type LiveCollection, type QueryContext, query } from '../../kernel/capability.ts';
import { Refusal } from '../../kernel/errors.ts';
import { AgentName } from '../../kernel/names.ts';
import { listInput, listOutput, pick } from '../../kernel/page.ts';
import { ChannelName, ChannelSummary, PlainChannelId, Room } from './schema.ts';
import { type Channel, type ChannelsState, DEFAULT_CHANNELS, findChannel, isDefault, mayRead } from './state.ts';

export interface State extends ChannelsState {
  channels: LiveCollection<Channel>;
}

const { fields, limit } = listInput(1_000, 1_000);

/** Every channel that the agent may read, newest activity first; equal ones in the order of the defaults, then by id. */
function visible(state: State, agent: string | undefined): Channel[] {
  const channels: Channel[] = [];
  for (const id of DEFAULT_CHANNELS) channels.push(findChannel(state, id) as Channel);
  for (const channel of state.channels.values())
    if (!isDefault(channel.id) && mayRead(channel.id, agent)) channels.push(channel);
  return channels.sort((a, b) => b.lastActivity - a.lastActivity);
}

function known(state: ChannelsState, id: string, agent: string | undefined): Channel {
  const channel = findChannel(state, id);
  if (channel === undefined || !mayRead(id, agent))
    throw new Refusal('channel_not_found', `There is no channel "${id}".`, { error: 'Channel not found' });
  return channel;
}

const list = query({
  name: 'channels.list',
  summary: 'Channels with their counts, newest activity first; the five defaults are always there.',
  http: ['GET /chat/channels'],
  input: z.object({ fields, limit }),
  output: z.object({ channels: z.array(ChannelSummary.partial()), ...listOutput }),
  run({ fields, limit }, { state, agent }: QueryContext<State>) {
    const all = visible(state, agent);
    const channels = all.slice(0, limit).map(({ id, count, lastActivity, archived }) => ({
      channel: id,
      count,
      lastActivity,
      ...(archived && { archived }),
    }));
    return { channels: pick(channels, fields), ...(all.length > limit && { more: true }) };
  },
});

const rooms = query({
  name: 'channels.rooms',
  summary: 'Channels as rooms of the original contract: id, name, participants. Direct messages are no rooms.',
  http: ['GET /chat/rooms'],
  input: z.object({ fields, limit }),
  output: z.object({ rooms: z.array(Room.partial()), ...listOutput }),
  run({ fields, limit }, { state }: QueryContext<State>) {
    const all = visible(state, undefined);
    return { rooms: pick(all.slice(0, limit).map(toRoom), fields), ...(all.length > limit && { more: true }) };
  },
});

function toRoom(channel: Channel): z.input<typeof Room> {
  return { ...channel, participants: [...channel.participants] };
}

const create = command({
  name: 'channels.create',
  summary: 'Creates a channel, or renames the one that has this id.',
  http: ['POST /chat/rooms', 'POST /chat/channels'],
  actor: 'from',
  complaint: 'id and name are required',
  input: z.object({ id: PlainChannelId, name: ChannelName.optional(), from: AgentName.optional() }),
  output: z.object({ success: z.literal(true), room: Room }),
  decide({ id, name }, { state }: Context<ChannelsState>) {
    const channel = findChannel(state, id);
    if (channel === undefined)
      return [{ type: 'channel_created', subject: id, data: { channel: id, name: name ?? id } }];
    if (name === undefined || name === channel.name) return [];
    return [{ type: 'channel_updated', subject: id, data: { channel: id, name } }];
  },
  answer: (_, state: ChannelsState, { id }) => ({
    success: true as const,
    room: toRoom(findChannel(state, id) as Channel),
  }),
});

const inputOfOne = z.object({ channel: PlainChannelId, from: AgentName.optional() });

function archiving(verb: 'archive' | 'unarchive', summary: string) {
  const archived = verb === 'archive';
  return command({
    name: `channels.${verb}`,
    summary,
    http: [`POST /chat/channels/:channel/${verb}`],
    actor: 'from',
    input: inputOfOne,
    output: z.object({ success: z.literal(true), room: Room }),
    decide({ channel: id }, { state, actor }: Context<ChannelsState>) {
      const channel = known(state, id, actor);
      if (isDefault(id)) throw new Refusal('channel_protected', `"${id}" is a default channel.`);
      if ((channel.archived ?? false) === archived) return [];
      return [{ type: 'channel_updated', subject: id, data: { channel: id, archived } }];
    },
    answer: (_, state: ChannelsState, { channel }) => ({
      success: true as const,
      room: toRoom(findChannel(state, channel) as Channel),
    }),
  });
}

export const operations = [
  list,
  rooms,
  create,
  archiving('archive', 'Archives a channel: it can be read, and nothing can be posted.'),
  archiving('unarchive', 'Opens an archived channel again.'),
];
