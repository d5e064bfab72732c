import { type Signal, signal } from '@preact/signals';
import type { Event } from '../client/index.ts';
import { sayWhy } from './say.tsx';
import { client, current, type Message, newestMessages, whenChanged } from './store.ts';

/** Messages of one place as far as they were loaded: those of a channel, or those of a thread. */
export interface Feed {
  key: string;
  /** By seq. */
  messages: readonly Message[];
  state: 'empty' | 'loading' | 'loaded';
  /** Where older ones begin; undefined: there are none. */
  older: string | undefined;
}

const PAGE = 50;
const feeds = new Map<string, Signal<Feed>>();

/** The key of the feed of a thread; that of a channel is the channel. */
export const threadKey = (id: string) => `thread ${id}`;
const threadOf = (key: string) => (key.startsWith('thread ') ? key.slice(7) : undefined);

/** The feed of a channel or of a thread; loads its newest messages when it is first asked for. */
export function feedOf(key: string): Signal<Feed> {
  let feed = feeds.get(key);
  if (feed === undefined) {
    feed = signal<Feed>({ key, messages: [], state: 'empty', older: undefined });
    feeds.set(key, feed);
    void load(feed);
  }
  return feed;
}

async function load(feed: Signal<Feed>): Promise<void> {
  const { key } = feed.value;
  if (feed.value.state === 'loading') return;
  feed.value = { ...feed.value, state: 'loading' };
  try {
    const page = await ask(key, undefined);
    const messages = page.messages.map(newer);
    feed.value = { key, messages: [...messages, ...heldAfter(key, messages)], state: 'loaded', older: page.older };
  } catch (error) {
    feed.value = { ...feed.value, state: 'loaded' };
    sayWhy(error, { label: 'Try again', run: () => void load(feed) });
  }
}

/** True where a message is shown in a feed. */
function isIn(key: string, { channel, id, threadId }: Message): boolean {
  return channel === key || threadKey(threadId ?? id) === key;
}

/** What the page holds that came after what was loaded: an answer may be older than what is known. */
function heldAfter(key: string, loaded: readonly Message[]): Message[] {
  const top = loaded.at(-1)?.seq ?? 0;
  return newestMessages().filter((message) => message.seq > top && isIn(key, message));
}

/** Loads the page before the oldest message. */
export async function loadOlder(key: string): Promise<void> {
  const feed = feedOf(key);
  const { older, state } = feed.value;
  if (older === undefined || state !== 'loaded') return;
  feed.value = { ...feed.value, state: 'loading' };
  try {
    const page = await ask(key, older);
    feed.value = {
      key,
      messages: [...page.messages.map(newer), ...feed.value.messages],
      state: 'loaded',
      older: page.older,
    };
  } catch (error) {
    feed.value = { ...feed.value, state: 'loaded' };
    sayWhy(error);
  }
}

async function ask(
  key: string,
  cursor: string | undefined,
): Promise<{ messages: Message[]; older: string | undefined }> {
  const thread = threadOf(key);
  if (thread !== undefined) {
    const answer = await client.value.messages.thread({ id: thread, limit: 1_000 });
    return { messages: answer.messages as unknown as Message[], older: undefined };
  }
  const answer = await client.value.messages.list({
    channel: key,
    limit: PAGE,
    ...(cursor !== undefined && { cursor }),
  });
  return { messages: answer.messages as unknown as Message[], older: answer.more ? answer.cursor : undefined };
}

/** As the replica has it, where it has it. */
function newer(message: Message): Message {
  return current('messages', message.id) ?? message;
}

/** Takes what has happened to messages into the feeds that are loaded. */
function foldFeeds(events: readonly Event[]): void {
  const touched = new Set<string>();
  for (const { type, data } of events) {
    if (!type.startsWith('message_')) continue;
    const id = String(data.id);
    touched.add(id);
    // A reply changes how many replies the first message of its thread has.
    if (typeof data.threadId === 'string') touched.add(data.threadId);
    if (type !== 'message_posted') continue;
    const message = current('messages', id);
    if (message === undefined) continue;
    for (const key of [message.channel, threadKey(message.threadId ?? id)]) {
      const feed = feeds.get(key);
      if (feed && !feed.value.messages.some((each) => each.id === id))
        feed.value = { ...feed.value, messages: [...feed.value.messages, message] };
    }
  }
  if (touched.size > 0) for (const feed of feeds.values()) refresh(feed, touched);
}

function refresh(feed: Signal<Feed>, touched: ReadonlySet<string>): void {
  const { messages } = feed.value;
  if (!messages.some(({ id }) => touched.has(id))) return;
  const after = messages.map((message) => {
    if (!touched.has(message.id)) return message;
    const held = current('messages', message.id);
    if (held === undefined) void reload(message.id);
    return held ?? message;
  });
  feed.value = { ...feed.value, messages: after };
}

/** Asks for a message that is older than what the replica holds. */
async function reload(id: string): Promise<void> {
  const message = await client.value.messages.get({ id }).then(
    (answer) => answer.message as unknown as Message,
    () => undefined,
  );
  for (const feed of feeds.values()) {
    const { messages } = feed.value;
    if (!messages.some((each) => each.id === id)) continue;
    const after = messages.map((each) =>
      each.id !== id ? each : (message ?? { ...each, content: '', reactions: {}, deletedAt: Date.now() }),
    );
    feed.value = { ...feed.value, messages: after };
  }
}

let followed = false;

whenChanged(({ reset, events }) => {
  if (reset)
    for (const feed of feeds.values()) {
      if (feed.value.state !== 'loaded') continue;
      // The first state adds to what was loaded beside it; a later one says that something may be missing.
      if (followed) void load(feed);
      else
        feed.value = {
          ...feed.value,
          messages: [...feed.value.messages, ...heldAfter(feed.value.key, feed.value.messages)],
        };
    }
  followed = true;
  foldFeeds(events);
});
