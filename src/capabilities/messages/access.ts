import { Refusal } from '../../kernel/errors.ts';
import { mayRead } from '../channels/state.ts';
import type { Message, MessagesState } from './state.ts';

/** What is said of a message that is not there, or not for this caller. */
export function missing(id: string): Refusal {
  return new Refusal('message_not_found', `There is no message "${id}".`, { error: 'Message not found' });
}

/** The message, where it is there for this agent. Another's direct message is as if it were not. */
export function find(state: MessagesState, id: string, agent: string | undefined): Message {
  const message = state.messages.get(id);
  if (message === undefined || !mayRead(message.channel, agent)) throw missing(id);
  return message;
}

/** The same, where nothing may be added to a tombstone. */
export function findAlive(state: MessagesState, id: string, agent: string | undefined): Message {
  const message = find(state, id, agent);
  if (message.deletedAt !== undefined)
    throw new Refusal('message_deleted', `The message "${id}" was deleted.`, { error: 'Message not found' });
  return message;
}

/** The same, where only its author may. */
export function findOwn(state: MessagesState, id: string, from: string): Message {
  const message = findAlive(state, id, from);
  if (message.from !== from)
    throw new Refusal('not_the_author', `The message was posted by "${message.from}", not by "${from}".`);
  return message;
}

/** Refuses a private channel to whoever is none of its ends. */
export function requireParty(channel: string | undefined, agent: string | undefined): void {
  if (channel !== undefined && !mayRead(channel, agent))
    throw new Refusal('not_a_party', `"${channel}" is private to its two ends.`);
}
