import { z } from 'zod';
import type { Event } from '../event.ts';
import { AgentName, flag } from '../names.ts';

const PATTERN = /^[\w.:*-]{1,128}$/;

/** Comma-separated text or a list; each item a name, `*` allowed at its end. */
export const Names = z
  .union([z.string(), z.array(z.string())])
  .transform((value) =>
    (typeof value === 'string' ? value.split(',') : value).map((item) => item.trim()).filter(Boolean),
  )
  .refine((items) => items.length <= 64 && items.every((item) => PATTERN.test(item)), 'up to 64 names, comma-separated')
  .meta({ description: 'Names, comma-separated; * at the end matches any ending.' });

/** Which events a subscriber wants. All that is given must match; each list matches with any of its names. */
export const FilterInput = z.object({
  types: Names.optional(),
  topics: Names.optional().describe('Kinds of things: message, task, memory, presence, chat …'),
  channels: Names.optional(),
  subjects: Names.optional(),
  actors: Names.optional(),
  agent: AgentName.optional().describe(
    'Only what is addressed to this agent: DMs, mentions, its subscriptions. Names the caller.',
  ),
  all: flag.optional().describe('1: everything that `agent` may read, not only what is addressed to it.'),
});
export type FilterInput = z.infer<typeof FilterInput>;

/** What the filter must ask of capabilities. */
export interface Relevance {
  /** True where the event is addressed to the agent. */
  concerns(event: Event, agent: string): boolean;
  /** Keys by which an agent waits for what concerns it. */
  hears(agent: string): readonly string[];
  /** Event types that belong to a topic. */
  topicTypes(topic: string): readonly string[];
  /** All event types. */
  readonly types: Iterable<string>;
}

/** What a filter looks at: of an event that is kept, or of one that is not. */
export interface Subject {
  readonly type: string;
  readonly actor: string;
  readonly subject: string | undefined;
  readonly channel: string | undefined;
  /** The agents that may read it; undefined means everybody. */
  readonly readers: readonly string[] | undefined;
  readonly event: Event;
}

/** A filter that is ready to use. Filters with the same key match the same events. */
export interface Filter {
  readonly key: string;
  matches(entry: Subject): boolean;
  /** Keys of what wakes one who waits for it: every event that matches has one of them. */
  wakers(): readonly string[];
}

/** Keys by which one may wait for an event. */
export function keysOfEvent({ type, subject, actor, data }: Event): string[] {
  const keys = ['event', `type ${type}`, `actor ${actor}`];
  if (subject !== undefined) keys.push(`subject ${subject}`);
  if (typeof data.channel === 'string') keys.push(`channel ${data.channel}`);
  return keys;
}

/** The fewest that are known: by what is named in full, or by the agent whom it concerns, or else by every event. */
function wakersOf({ subjects, agent, actors, channels }: FilterInput, types: Test | undefined, relevance: Relevance) {
  const inFull = (kind: string, names: readonly string[] = []) =>
    names.length > 0 && !names.some((name) => name.endsWith('*')) ? names.map((name) => `${kind} ${name}`) : undefined;
  return (
    inFull('subject', subjects) ??
    (agent === undefined ? undefined : relevance.hears(agent)) ??
    inFull('actor', actors) ??
    inFull('channel', channels) ??
    (types ? [...relevance.types].filter(types).map((type) => `type ${type}`) : ['event'])
  );
}

type Test = (text: string) => boolean;

/** Compiles a filter for a reader; what the reader may not read never matches. */
export function compileFilter(input: FilterInput, reader: string | undefined, relevance: Relevance): Filter {
  const types = matcher([
    ...(input.types ?? []),
    ...(input.topics ?? []).flatMap((topic) => relevance.topicTypes(topic)),
  ]);
  const channels = matcher(input.channels ?? []);
  const subjects = matcher(input.subjects ?? []);
  const actors = matcher(input.actors ?? []);
  const nothing = input.topics !== undefined && input.topics.length > 0 && types === undefined;
  const agent = input.all ? undefined : input.agent;
  return {
    key: JSON.stringify([input.types, input.topics, input.channels, input.subjects, input.actors, agent, reader]),
    matches(entry) {
      if (nothing) return false;
      if (entry.readers !== undefined && (reader === undefined || !entry.readers.includes(reader))) return false;
      if (types && !types(entry.type)) return false;
      if (channels && !(entry.channel !== undefined && channels(entry.channel))) return false;
      if (subjects && !(entry.subject !== undefined && subjects(entry.subject))) return false;
      if (actors && !actors(entry.actor)) return false;
      return agent === undefined || relevance.concerns(entry.event, agent);
    },
    wakers: () => (nothing ? [] : wakersOf(input, types, relevance)),
  };
}

/** True for texts that one of the names matches; undefined where there are no names. */
export function matcher(names: readonly string[]): Test | undefined {
  if (names.length === 0) return undefined;
  const exact = new Set(names.filter((name) => !name.endsWith('*')));
  const prefixes = names.filter((name) => name.endsWith('*')).map((name) => name.slice(0, -1));
  return (text) => exact.has(text) || prefixes.some((prefix) => text.startsWith(prefix));
}
