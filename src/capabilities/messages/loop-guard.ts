import type { Context } from '../../kernel/capability.ts';
import type { Entities } from '../../kernel/collection.ts';
import { Refusal } from '../../kernel/errors.ts';
import type { Draft, Event } from '../../kernel/event.ts';
import { SYSTEM } from '../../kernel/names.ts';
import type { AgentsState } from '../agents/state.ts';
import { dmEnds, TASK_THREAD } from '../channels/state.ts';
import type { Message } from './state.ts';

/** Two that answer each other at one place, where nobody else speaks. */
export interface Exchange {
  /** The thread or, for what is in none, the channel. */
  place: string;
  /** One, until another answers. */
  agents: readonly string[];
  /** Who spoke last. */
  last: string;
  /** When one answered the other, the newest last: milliseconds since 1970. */
  times: readonly number[];
  /** It was told that this is a loop, as so many seconds were measured. */
  detected?: number;
}

export interface ExchangesState extends AgentsState {
  /** By slot: a place that comes to one that is taken makes the other be forgotten, so there are never more. */
  exchanges: Entities<Exchange>;
}

/** What of a message tells whether it is an answer. */
interface Said {
  from: string;
  to?: string | undefined;
  channel: string;
  threadId?: string | undefined;
  mentions?: readonly string[] | undefined;
}

const SLOTS = Array.from({ length: 1_024 }, (_, i) => String(i));
/** The most that the settings may ask for, which a fold does not see. */
const MOST_EXCHANGES = 100;
const MOST_SECONDS = 3_600;

/** Where it is said. A direct channel and a task are one conversation each; another channel is one, and has threads. */
function placeOf({ channel, threadId }: Said): string {
  return threadId === undefined || isConversation(channel) ? channel : threadId;
}

function isConversation(channel: string): boolean {
  return dmEnds(channel) !== undefined || channel.startsWith(TASK_THREAD);
}

/** FNV-1a. */
function slotOf(place: string): string {
  let hash = 0x811c9dc5;
  for (let i = 0; i < place.length; i++) hash = Math.imul(hash ^ place.charCodeAt(i), 0x01000193);
  return SLOTS[(hash >>> 0) % SLOTS.length] as string;
}

function exchangeAt({ exchanges }: ExchangesState, place: string): Exchange | undefined {
  const exchange = exchanges.get(slotOf(place));
  return exchange?.place === place ? exchange : undefined;
}

/** True where everything that is said is said to all who are there; elsewhere to those who are named. */
function isAmongThem(said: Said): boolean {
  return said.threadId !== undefined || isConversation(said.channel);
}

function isTo(agent: string, said: Said): boolean {
  return isAmongThem(said) || said.to === agent || (said.mentions?.includes(agent) ?? false);
}

function isToSomebody(said: Said): boolean {
  return isAmongThem(said) || said.to !== undefined || (said.mentions?.length ?? 0) > 0;
}

/** What goes on at a place after something was said there; undefined where nobody is spoken to. */
function after(before: Exchange | undefined, said: Message): Exchange | undefined {
  const { from, timestamp } = said;
  if (before?.last === from) return before;
  const isOneOfTwo = before?.agents.includes(from) ?? false;
  if (before && isTo(before.last, said) && (isOneOfTwo || before.agents.length === 1)) {
    const { place, last, times, detected } = before;
    const isSilence = detected !== undefined && timestamp - (times.at(-1) ?? 0) > detected * 1_000;
    const recent = times.filter((time) => timestamp - time < MOST_SECONDS * 1_000).slice(-MOST_EXCHANGES);
    return {
      place,
      agents: [last, from],
      last: from,
      times: [...recent, timestamp],
      ...(detected !== undefined && !isSilence && { detected }),
    };
  }
  if (isOneOfTwo) return before;
  return isToSomebody(said) ? { place: placeOf(said), agents: [from], last: from, times: [] } : undefined;
}

/** Folds who answers whom. Where nobody is spoken to, and nobody was, it looks at nothing. */
export function follow(state: ExchangesState, { type, data }: Event): void {
  if (type === 'message_posted') {
    const said = data as unknown as Message;
    const place = placeOf(said);
    const before = exchangeAt(state, place);
    if (before === undefined && !isToSomebody(said)) return;
    put(state, place, before, after(before, said));
  } else if (type === 'loop_detected') {
    const { channel, thread = channel, seconds } = data as { channel: string; thread?: string; seconds: number };
    const before = exchangeAt(state, thread);
    put(state, thread, before, before && { ...before, detected: seconds });
  }
}

function put(state: ExchangesState, place: string, before: Exchange | undefined, now: Exchange | undefined): void {
  if (now === before) return;
  if (now) state.exchanges.put(slotOf(place), now);
  else state.exchanges.delete(slotOf(place));
}

function isHuman({ agents }: AgentsState, name: string): boolean {
  return agents.get(name)?.kind === 'human';
}

interface LoopSettings {
  LOOP_GUARD_EXCHANGES?: number;
  LOOP_GUARD_SECONDS?: number;
}

/**
 * Refuses what two agents say to each other where they have answered each other more often than is good, and nobody else
 * spoke. Answers the event that tells of it, with the message by which it becomes too often.
 */
export function guardLoop(said: Said, { state, settings, now }: Context<ExchangesState>): Draft[] {
  if (!isToSomebody(said)) return [];
  const { LOOP_GUARD_EXCHANGES: most = 20, LOOP_GUARD_SECONDS: seconds = 60 } = settings as LoopSettings;
  if (most === 0) return [];
  const { from, channel, threadId } = said;
  const place = placeOf(said);
  const exchange = exchangeAt(state, place);
  const other = exchange?.agents.find((name) => name !== from);
  if (exchange === undefined || other === undefined || !exchange.agents.includes(from) || !isTo(other, said)) return [];
  if (isHuman(state, from) || isHuman(state, other)) return [];
  const since = now - seconds * 1_000;
  const exchanges = exchange.times.filter((time) => time > since).length;
  const where = { channel, ...(place !== channel && { thread: threadId }) };
  const agents = [from, other].sort();
  if (exchanges > most) {
    const over = exchange.times.at(-most - 1) as number;
    const retryAfter = Math.max(1, Math.ceil((over - since) / 1_000));
    throw new Refusal(
      'loop_guard',
      `${agents.join(' and ')} have answered each other ${exchanges} times in ${seconds} s here, and nobody else spoke.`,
      { extra: { ...where, agents, exchanges, retryAfter }, retryAfter },
    );
  }
  if (exchanges < most || exchange.last === from || exchange.detected !== undefined) return [];
  return [
    {
      type: 'loop_detected',
      subject: place,
      actor: SYSTEM,
      data: { ...where, agents, exchanges: exchanges + 1, seconds },
    },
  ];
}
