import { signal } from '@preact/signals';
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks';
import { dayOf } from './clock.ts';
import { Composer } from './composer.tsx';
import { Empty } from './empty.tsx';
import { type Feed, feedOf, loadOlder, threadKey } from './feeds.ts';
import { MessageLine } from './message.tsx';
import { chosen, otherEnd, see, seenUpTo, thread } from './rooms.ts';
import { type Channel, live, type Message } from './store.ts';

/** Pixels from the end within which one is at the end. */
const NEAR = 48;

export function Chat() {
  const channel = chosen.value;
  const root = thread.value;
  const other = otherEnd(channel);
  const known = live.channels.value.get(channel);
  return (
    <section class="chat panel" data-region="chat" aria-label="Chat" tabIndex={-1}>
      <header>
        {root === undefined ? (
          <h2 dir="auto">
            <span class="sign">{other === undefined ? '#' : '@'}</span>
            {other ?? known?.name ?? channel}
          </h2>
        ) : (
          <>
            <button
              type="button"
              class="quiet"
              onClick={() => {
                thread.value = undefined;
              }}
            >
              ←{' '}
              <span dir="auto">
                {other === undefined ? '#' : '@'}
                {other ?? channel}
              </span>
            </button>
            <h2>Thread</h2>
          </>
        )}
        {root === undefined && known && (
          <span class="faint">
            {known.count} {known.count === 1 ? 'message' : 'messages'} · {known.participants.length}{' '}
            {known.participants.length === 1 ? 'voice' : 'voices'}
          </span>
        )}
      </header>
      <Messages
        key={root === undefined ? channel : threadKey(root)}
        feed={root === undefined ? channel : threadKey(root)}
        channel={known}
      />
      <Composer key={`c ${root ?? channel}`} channel={channel} thread={root} />
    </section>
  );
}

function Messages({ feed: key, channel }: { feed: string; channel: Channel | undefined }) {
  const feed = feedOf(key).value;
  const isThread = key.startsWith('thread ');
  const list = useRef<HTMLDivElement>(null);
  const marker = useRef(seenUpTo(key));
  const place = useRef({ atEnd: true, first: 0, height: 0, last: 0 });
  const behind = useRef(signal(0)).current;
  const messages = isThread ? feed.messages : feed.messages.filter(({ threadId }) => threadId === undefined);

  // Older ones come in above what is read; new ones move who is at the end.
  useLayoutEffect(() => {
    const box = list.current;
    if (!box) return;
    const { atEnd, first, height, last } = place.current;
    const nowFirst = messages[0]?.seq ?? 0;
    const nowLast = messages.at(-1)?.seq ?? 0;
    if (first !== 0 && nowFirst < first) box.scrollTop += box.scrollHeight - height;
    else if (atEnd) box.scrollTop = box.scrollHeight;
    if (nowLast > last && last !== 0 && !atEnd) behind.value += messages.filter(({ seq }) => seq > last).length;
    place.current = { ...place.current, first: nowFirst, last: nowLast, height: box.scrollHeight };
  });
  const count = channel?.count;
  const newest = feed.messages.at(-1)?.seq;
  useEffect(() => {
    const look = () => {
      if (!isThread && document.visibilityState === 'visible' && newest !== undefined && count !== undefined)
        see(key, count, newest);
    };
    look();
    document.addEventListener('visibilitychange', look);
    return () => document.removeEventListener('visibilitychange', look);
  }, [count, newest]);
  // Where what is wider or taller than the page is, who is at the end stays there.
  useEffect(() => {
    const box = list.current;
    if (!box) return;
    const watch = new ResizeObserver(() => {
      if (place.current.atEnd) box.scrollTop = box.scrollHeight;
    });
    watch.observe(box);
    return () => watch.disconnect();
  }, []);

  const onScroll = () => {
    const box = list.current;
    if (!box) return;
    place.current.atEnd = box.scrollHeight - box.scrollTop - box.clientHeight < NEAR;
    place.current.height = box.scrollHeight;
    if (place.current.atEnd) behind.value = 0;
    if (box.scrollTop < 400) void loadOlder(key);
  };
  // What fits on the screen cannot be scrolled.
  useEffect(() => {
    const box = list.current;
    if (box && feed.state === 'loaded' && feed.older !== undefined && box.scrollHeight <= box.clientHeight)
      void loadOlder(key);
  }, [feed]);
  return (
    <div class="scroll">
      <div
        ref={list}
        class="messages"
        onScroll={onScroll}
        role="log"
        aria-label="Messages"
        aria-live="polite"
        tabIndex={-1}
      >
        <Top feed={feed} isThread={isThread} empty={messages.length === 0} />
        {messages.map((message, i) => (
          <Line
            key={message.id}
            message={message}
            before={messages[i - 1]}
            marker={isThread ? 0 : marker.current}
            inThread={isThread}
          />
        ))}
      </div>
      {behind.value > 0 && (
        <button
          type="button"
          class="behind"
          onClick={() => {
            if (list.current) list.current.scrollTop = list.current.scrollHeight;
          }}
        >
          {behind.value} new ↓
        </button>
      )}
    </div>
  );
}

function Top({ feed, isThread, empty }: { feed: Feed; isThread: boolean; empty: boolean }) {
  if (feed.older !== undefined || feed.state === 'loading')
    return <p class="top faint">{feed.state === 'loading' ? 'Loading…' : ' '}</p>;
  if (empty && feed.state === 'loaded' && !isThread)
    return (
      <Empty
        text="Nothing was said here yet."
        keys="m"
        curl={`curl ${location.origin}/chat/messages -H 'Content-Type: application/json' -d '{"from":"kai","channel":"${feed.key}","content":"Hello"}'`}
      />
    );
  return null;
}

/** Milliseconds in which one who goes on speaking is not named again. */
const BREATH = 5 * 60_000;

function Line({
  message,
  before,
  marker,
  inThread,
}: {
  message: Message;
  before: Message | undefined;
  marker: number;
  inThread: boolean;
}) {
  const newDay = before === undefined || dayOf(before.timestamp) !== dayOf(message.timestamp);
  const unread = marker > 0 && message.seq > marker && before !== undefined && before.seq <= marker;
  const goesOn = !newDay && !unread && before?.from === message.from && message.timestamp - before.timestamp < BREATH;
  return (
    <>
      {newDay && (
        <p class="day">
          <span>{dayOf(message.timestamp)}</span>
        </p>
      )}
      {unread && (
        <p class="day unseen">
          <span>New</span>
        </p>
      )}
      <MessageLine message={message} goesOn={goesOn} inThread={inThread} />
    </>
  );
}
