import { signal } from '@preact/signals';
import { useMemo, useRef } from 'preact/hooks';
import { Avatar } from './avatar.tsx';
import { clockOf, wholeOf } from './clock.ts';
import { beginning, markdown, safeAddress } from './markdown.tsx';
import { me } from './me.ts';
import { thread } from './rooms.ts';
import { hrefOf } from './route.ts';
import { sayWhy } from './say.tsx';
import { type Message, writer } from './store.ts';

const OFTEN = ['👍', '✅', '👀', '🎉', '❤️', '❓'];

/** One message. `goesOn`: the one before it is of the same voice, who is not named again. */
export function MessageLine({ message, goesOn, inThread }: { message: Message; goesOn: boolean; inThread: boolean }) {
  const { id, from, timestamp, content, editedAt, deletedAt, replyCount, threadId, attachments, mentions } = message;
  const name = me.value;
  const whole = useRef(signal(false)).current;
  const isWhole = whole.value;
  // A message that has not changed is not drawn again.
  const body = useMemo(() => markdown(isWhole ? content : beginning(content), name), [content, isWhole, name]);
  const short = !isWhole && beginning(content).length < content.length;
  const meant = name !== undefined && from !== name && mentions?.includes(name);
  return (
    <article
      class={`message ${goesOn ? 'goes-on' : ''} ${meant ? 'meant' : ''}`}
      data-item={id}
      tabIndex={-1}
      aria-label={`${from}, ${clockOf(timestamp)}`}
    >
      <span class="side">
        {goesOn ? (
          <time class="faint" title={wholeOf(timestamp)}>
            {clockOf(timestamp)}
          </time>
        ) : (
          <Avatar name={from} />
        )}
      </span>
      <div class="main">
        {!goesOn && (
          <p class="by">
            <a href={hrefOf('agent', from)} dir="auto">
              {from}
            </a>
            <time class="faint" title={wholeOf(timestamp)} dateTime={new Date(timestamp).toISOString()}>
              {clockOf(timestamp)}
            </time>
          </p>
        )}
        {deletedAt !== undefined ? (
          <p class="faint">This message was deleted.</p>
        ) : (
          <div class="text" dir="auto">
            {body}
            {editedAt !== undefined && <small class="faint">(edited)</small>}
          </div>
        )}
        {short && (
          <button
            type="button"
            class="wide"
            onClick={() => {
              whole.value = true;
            }}
          >
            Show all {Math.ceil(content.length / 1_000)} k characters
          </button>
        )}
        {attachments?.map((each, i) => (
          <Attachment key={i} attachment={each} />
        ))}
        <Reactions message={message} />
        {!inThread && !threadId && (replyCount ?? 0) > 0 && (
          <button
            type="button"
            class="replies"
            onClick={() => {
              thread.value = id;
            }}
          >
            {replyCount} {replyCount === 1 ? 'reply' : 'replies'}
          </button>
        )}
      </div>
      {deletedAt === undefined && name !== undefined && (
        <div class="actions">
          {OFTEN.slice(0, 3).map((emoji) => (
            <button
              key={emoji}
              type="button"
              tabIndex={-1}
              aria-label={`React with ${emoji}`}
              onClick={() => react(id, emoji)}
            >
              {emoji}
            </button>
          ))}
          {!inThread && (
            <button
              type="button"
              tabIndex={-1}
              onClick={() => {
                thread.value = threadId ?? id;
              }}
            >
              Reply
            </button>
          )}
        </div>
      )}
    </article>
  );
}

function Attachment({ attachment }: { attachment: Record<string, unknown> }) {
  const { name, url } = attachment;
  const label = typeof name === 'string' ? name : typeof url === 'string' ? url : 'attachment';
  const address = typeof url === 'string' ? safeAddress(url) : undefined;
  return (
    <p class="attachment" dir="auto">
      {address === undefined ? (
        label
      ) : (
        <a href={address} target="_blank" rel="noopener noreferrer nofollow">
          {label}
        </a>
      )}
    </p>
  );
}

function Reactions({ message: { id, reactions } }: { message: Message }) {
  const all = Object.entries(reactions ?? {});
  if (all.length === 0) return null;
  return (
    <p class="reactions">
      {all.map(([emoji, by]) => (
        <button
          key={emoji}
          type="button"
          tabIndex={-1}
          aria-pressed={me.value !== undefined && by.includes(me.value)}
          title={by.join(', ')}
          aria-label={`${emoji}, ${by.length}: ${by.join(', ')}`}
          onClick={() => react(id, emoji)}
        >
          <span dir="auto">{emoji.slice(0, 16)}</span> {by.length}
        </button>
      ))}
    </p>
  );
}

function react(id: string, emoji: string): void {
  if (me.value !== undefined) writer().messages.react({ id, emoji }).catch(sayWhy);
}
