import { batch, computed, type Signal, signal } from '@preact/signals';
import {
  type Change,
  type Client,
  type CollectionName,
  type Collections,
  createClient,
  type Link,
  type Replica,
} from '../client/index.ts';
import { note, seed } from './events.ts';
import { me } from './me.ts';
import { sayWhy } from './say.tsx';

const HELD = [
  'agents',
  'channels',
  'tasks',
  'presences',
  'reservations',
  'messages',
] as const satisfies readonly CollectionName[];
type HeldName = (typeof HELD)[number];

export type { Collections, Link };
export type Agent = Collections['agents'];
export type Channel = Collections['channels'];
export type Task = Collections['tasks'];
export type Presence = Collections['presences'];
export type Message = Collections['messages'];

/** How the connection is; undefined until the first one. `since`: when it was lost. */
export const link = signal<(Link & { since: number }) | undefined>(undefined);
/** True once the first state is there. */
export const ready = signal(false);
/** The last event that the page has folded. */
export const seq = signal(0);

const held = Object.fromEntries(HELD.map((name) => [name, signal<ReadonlyMap<string, object>>(new Map())]));

/** The live state, by id: a new map whenever something in it has changed. Not to be written to. */
export const live = held as unknown as {
  readonly [N in HeldName]: { readonly value: ReadonlyMap<string, Collections[N]> };
};

export const agents = computed(() => [...live.agents.value.values()]);
export const channels = computed(() => [...live.channels.value.values()]);
export const tasks = computed(() => [...live.tasks.value.values()]);

/** Calls operations under the name of who sits here. */
export const client = computed<Client<boolean>>(() => {
  const name = me.value;
  return (name === undefined ? createClient() : createClient({ agent: name })) as Client<boolean>;
});

/** The client, for what may be written only under a name. */
export function writer(): Client<true> {
  if (me.value === undefined) throw new Error('nobody sits here');
  return client.value as Client<true>;
}

const listeners = new Set<(change: Change) => void>();

/** Calls `listener` with every change of the live state, as it comes. */
export function whenChanged(listener: (change: Change) => void): void {
  listeners.add(listener);
}

let replica: Replica<HeldName> | undefined;
let followed = false;

/** Fulfilled once the page shows everything up to an event. */
export async function shown(upTo: number): Promise<void> {
  await replica?.reached(upTo);
  flush();
}

/** What the replica holds now, between two looks of the page. */
export function current<N extends HeldName>(name: N, id: string): Collections[N] | undefined {
  return replica?.collections[name].get(id) as Collections[N] | undefined;
}

/** The newest messages of all channels that the page holds, oldest first. */
export function newestMessages(): readonly Message[] {
  return [...(replica?.collections.messages.values() ?? [])];
}

const changed = new Set<HeldName>();
let timer: ReturnType<typeof setTimeout> | undefined;

/** Shows what has changed: at most once in a frame, however much happens. */
function flush(): void {
  clearTimeout(timer);
  timer = undefined;
  batch(() => {
    for (const name of changed) {
      const now: ReadonlyMap<string, object> = replica?.collections[name] ?? new Map();
      (held[name] as Signal<ReadonlyMap<string, object>>).value = new Map(now);
    }
    changed.clear();
    seq.value = replica?.seq ?? 0;
    ready.value = replica !== undefined;
  });
}

/** Follows the server from now on, under the name of who sits here; again whenever that is another. */
export function follow(): void {
  if (followed) return;
  followed = true;
  me.subscribe(() => {
    const before = replica;
    begin();
    void before?.close();
  });
}

function begin(): void {
  const mine: Replica<HeldName> = client.value.replica({
    collections: HELD,
    onLink: (state) => {
      const { value } = link;
      link.value = { ...state, since: value?.state === state.state ? value.since : Date.now() };
    },
  });
  replica = mine;
  mine.onChange((change) => {
    if (replica === mine) take(change);
  });
  mine.ended.catch((error: unknown) => {
    if (replica === mine) sayWhy(error, { label: 'Try again', run: begin });
  });
}

function take(change: Change): void {
  const { reset, changed: names, events, seq: at } = change;
  for (const name of reset ? HELD : names.keys())
    if ((HELD as readonly string[]).includes(name)) changed.add(name as HeldName);
  if (reset) {
    void introduce();
    void seed(client.value, at);
  }
  note(events);
  for (const listener of listeners) listener(change);
  timer ??= setTimeout(flush, 12);
}

/** Says that who sits here is a person, where this server does not know it. */
async function introduce(): Promise<void> {
  const name = me.value;
  if (name === undefined || current('agents', name)?.kind === 'human') return;
  await writer().agents.register({ name, kind: 'human' }).catch(sayWhy);
}
