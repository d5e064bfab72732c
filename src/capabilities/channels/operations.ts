import { z } from 'zod';
import { type Context, command, type LiveCollection, type QueryContext, query } from '../../kernel/capability.ts';
import { Refusal } from '../../kernel/errors.ts';
import { AgentName } from '../../kernel/names.ts';
import { capBytes, listInput, listOutput, pick } from '../../kernel/page.ts';
import { ChannelName, ChannelSummary, PlainChannelId, Room } from './schema.ts';
import {
  type Channel,
  type ChannelsState,
  DEFAULT_CHANNELS,
  findChannel,
  isDefault,
  mayRead,
  TASK_THREAD,
} from './state.ts';

export interface State extends ChannelsState {
  channels: LiveCollection<Channel>;
}

/** `<last activity>.<id>` of the last channel that was shown. */
const CURSOR = /^\d{1,16}\.[\w.:-]{1,160}$/;
const { fields, limit, compact } = listInput(1_000, 1_000);
const cursor = z
  .string()
  .regex(CURSOR, 'the cursor of an earlier answer')
  .optional()
  .describe('Goes on where an earlier answer with `more` ended: its `cursor`.');
const paging = { fields, limit, cursor, compact };

/** Every channel that the agent may read, but for the threads of tasks, newest activity first; equal ones in the order of the defaults, then by id. */
function visible(state: State, agent: string | undefined): Channel[] {
  const channels: Channel[] = [];
  for (const id of DEFAULT_CHANNELS) channels.push(findChannel(state, id) as Channel);
  for (const channel of state.channels.values())
    if (!isDefault(channel.id) && !channel.id.startsWith(TASK_THREAD) && mayRead(channel.id, agent))
      channels.push(channel);
  return channels.sort(inOrder);
}

type Place = Pick<Channel, 'id' | 'lastActivity'>;

function inOrder(a: Place, b: Place): number {
  return b.lastActivity - a.lastActivity || rank(a.id) - rank(b.id) || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0);
}

function rank(id: string): number {
  return isDefault(id) ? (DEFAULT_CHANNELS as readonly string[]).indexOf(id) : DEFAULT_CHANNELS.length;
}

function isAfter(cursor: string): (channel: Channel) => boolean {
  const dot = cursor.indexOf('.');
  const place = { lastActivity: Number(cursor.slice(0, dot)), id: cursor.slice(dot + 1) };
  return (channel) => inOrder(place, channel) < 0;
}

/** A page of channels as they are shown, and how to go on. */
function page<T extends object>(
  channels: readonly Channel[],
  { fields, limit, cursor }: { fields?: string | undefined; limit: number; cursor?: string | undefined },
  show: (channel: Channel) => T,
): { items: T[]; more?: true; cursor?: string } {
  const rest = cursor === undefined ? channels : channels.filter(isAfter(cursor));
  const shown = rest.slice(0, limit).map((channel) => ({ channel, item: pick([show(channel)], fields)[0] as T }));
  const { taken } = capBytes(shown, ({ item }) => Buffer.byteLength(JSON.stringify(item)) + 1);
  const last = taken.at(-1)?.channel;
  return {
    items: taken.map(({ item }) => item),
    ...(last && taken.length < rest.length && { more: true as const, cursor: `${last.lastActivity}.${last.id}` }),
  };
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
  input: z.object(paging),
  output: z.object({ channels: z.array(ChannelSummary.partial()), ...listOutput }),
  run(input, { state, agent }: QueryContext<State>) {
    const { items, ...rest } = page(visible(state, agent), input, ({ id, count, lastActivity, archived }) => ({
      channel: id,
      count,
      lastActivity,
      ...(archived && { archived }),
    }));
    return { channels: items, ...rest };
  },
});

const rooms = query({
  name: 'channels.rooms',
  summary: 'Channels as rooms of the original contract: id, name, participants. Direct messages are no rooms.',
  http: ['GET /chat/rooms'],
  input: z.object(paging),
  output: z.object({ rooms: z.array(Room.partial()), ...listOutput }),
  run(input, { state }: QueryContext<State>) {
    const { items, ...rest } = page(visible(state, undefined), input, input.compact ? toCompactRoom : toRoom);
    return { rooms: items, ...rest };
  },
});

function toRoom(channel: Channel): z.input<typeof Room> {
  return { ...channel, participants: [...channel.participants] };
}

/** A room without those who have posted in it, who may be many. */
function toCompactRoom(channel: Channel): Partial<z.input<typeof Room>> {
  const { participants: _, createdBy: __, ...room } = channel;
  return room;
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
