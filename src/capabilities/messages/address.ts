import type { z } from 'zod';
import { Refusal } from '../../kernel/errors.ts';
import { type NamedAgents, resolveAgent } from '../agents/index.ts';
import { type ChannelsState, dmChannel, dmEnds, mayRead, TASK_THREAD } from '../channels/state.ts';
import { findTask } from '../tasks/index.ts';
import type { Task, TasksState } from '../tasks/state.ts';
import { findAlive } from './access.ts';
import type { SendInput } from './schema.ts';
import type { MessagesState } from './state.ts';

/** Where a message goes: the channel, the other end of a direct message, the task whose thread it is. */
export function address(
  input: z.infer<typeof SendInput>,
  state: MessagesState & ChannelsState & TasksState & NamedAgents,
): { channel: string; to: string | undefined; threadId: string | undefined; task: Task | undefined } {
  const { from } = input;
  // Who is not known yet may come under this very name.
  const to = input.to === undefined ? undefined : (resolveAgent(state, input.to) ?? input.to);
  if (input.threadId !== undefined) {
    const parent = findAlive(state, input.threadId, from);
    if (input.channel !== undefined && input.channel !== parent.channel) {
      throw new Refusal('thread_in_other_channel', `The thread is in "${parent.channel}", not in "${input.channel}".`);
    }
    const end = otherEnd(parent.channel, from);
    if (end !== undefined && to !== undefined && to !== end)
      throw new Refusal('thread_in_other_channel', `The thread is private to "${from}" and "${end}".`);
    const task = taskOf(state, parent.channel);
    // Threads are one level deep: a reply to a reply joins its thread.
    return { channel: parent.channel, to: end ?? to, threadId: parent.threadId ?? parent.id, task };
  }
  const channel = input.channel ?? (to === undefined ? 'general' : dmChannel(from, to));
  const named = otherEnd(channel, from);
  const task = taskOf(state, channel);
  if (!mayRead(channel, from))
    throw new Refusal('not_a_party', `"${channel}" is private, and "${from}" is none of its ends.`);
  if (named === undefined) return { channel, to, threadId: undefined, task };
  if (dmChannel(from, named) !== channel)
    throw new Refusal('invalid_input', `The channel of the two is "${dmChannel(from, named)}".`);
  // The name in a channel's id is resolved as `to` is: else it would be private to somebody who is not there.
  const end = resolveAgent(state, named) ?? named;
  if (to !== undefined && to !== end)
    throw new Refusal('invalid_input', `"${channel}" is private to its ends; "${to}" is none of them.`);
  return { channel: dmChannel(from, end), to: end, threadId: undefined, task };
}

/** The task whose thread a channel is; undefined for every other channel. Throws `task_not_found`, `task_deleted`. */
function taskOf(state: TasksState, channel: string): Task | undefined {
  return channel.startsWith(TASK_THREAD) ? findTask(state, channel.slice(TASK_THREAD.length)) : undefined;
}

function otherEnd(channel: string, from: string): string | undefined {
  const ends = dmEnds(channel);
  return ends && (ends[0] === from ? ends[1] : ends[0]);
}
