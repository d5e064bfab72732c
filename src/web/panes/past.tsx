import { useSignal } from '@preact/signals';
import { useEffect, useLayoutEffect, useMemo, useRef } from 'preact/hooks';
import { Avatar } from '../avatar.tsx';
import { clockOf, wholeOf } from '../clock.ts';
import { columnsOf } from '../columns.ts';
import { Empty } from '../empty.tsx';
import { beginning, markdown } from '../markdown.tsx';
import { me } from '../me.ts';
import { chosen, otherEnd } from '../rooms.ts';
import { leave } from '../route.ts';
import { client, type Message, ready, seq, type Task } from '../store.ts';
import { Trouble } from './loading.tsx';
import { counted } from './parts.tsx';
import { askEvents, Past, type Then } from './past-fold.ts';

/** Messages that are shown. */
const MOST = 150;

/** The room as it was after any event: looked at, and not to be changed. */
export default function PastPane({ id }: { id: string | undefined }) {
  return ready.value ? <Travel id={id} /> : <p class="empty faint">Loading…</p>;
}

function Travel({ id }: { id: string | undefined }) {
  const head = seq.value;
  const start = Number(id);
  const wanted = useSignal(id !== undefined && start >= 0 && Number.isFinite(start) ? Math.floor(start) : head);
  const then = useSignal<Then | undefined>(undefined);
  const onWay = useSignal<number | undefined>(undefined);
  const error = useSignal<unknown>(undefined);
  const earliest = useSignal(0);
  const past = useRef<Past | undefined>(undefined);
  const busy = useRef(false);

  const travel = async (to: number) => {
    wanted.value = Math.min(Math.max(to, earliest.value), Math.max(seq.peek(), 0));
    if (busy.current) return;
    busy.current = true;
    error.value = undefined;
    try {
      if (past.current === undefined) {
        const status = await client.value.events.status();
        earliest.value = Number(status.earliest.split('-')[1]);
        past.current = new Past(askEvents(client.value), earliest.value);
      }
      while (then.value?.seq !== wanted.peek()) {
        then.value = await past.current.at(
          () => Math.max(wanted.peek(), earliest.peek()),
          (at) => {
            onWay.value = at;
          },
        );
        wanted.value = Math.max(wanted.peek(), earliest.peek());
      }
    } catch (trouble) {
      error.value = trouble;
    } finally {
      busy.current = false;
      onWay.value = undefined;
    }
  };
  useEffect(() => void travel(wanted.peek()), []);
  const at = wanted.value;
  const shown = then.value;
  return (
    <div class="past">
      <div class="scrubber">
        <p class="line">
          <b class="mark">The past · read-only</b>
          <span role="status" class="cut" dir="auto">
            {shown === undefined ? 'Reading…' : describe(shown)}
          </span>
          <button type="button" class="primary push" onClick={leave}>
            Back to now
          </button>
        </p>
        <p class="line">
          <button type="button" aria-label="One event back" onClick={() => void travel(at - 1)}>
            ←
          </button>
          <input
            type="range"
            aria-label="Event"
            aria-valuetext={`event ${at} of ${head}`}
            min={earliest.value}
            max={head}
            value={at}
            onInput={({ currentTarget }) => void travel(currentTarget.valueAsNumber)}
          />
          <button type="button" aria-label="One event on" onClick={() => void travel(at + 1)}>
            →
          </button>
          <span class="count">
            {counted(at)} / {counted(head)}
          </span>
        </p>
        {onWay.value !== undefined && Math.abs(at - onWay.value) > 1_000 && (
          <p class="faint small">
            Reading the journal from its beginning: {counted(onWay.value)} of {counted(at)} events. What was read once
            is near from then on.
          </p>
        )}
        {earliest.value > 0 && (
          <p class="faint small">Events before {counted(earliest.value)} are not kept: what they made is not shown.</p>
        )}
        {error.value !== undefined && <Trouble error={error.value} again={() => void travel(at)} />}
      </div>
      {shown && (
        <div class="scene">
          <PastBoard then={shown} />
          <PastChat then={shown} />
        </div>
      )}
    </div>
  );
}

function describe({ seq: at, event }: Then): string {
  if (at === 0) return 'Before anything happened.';
  if (event === undefined) return `Event ${counted(at)}: not for you to see.`;
  return `${wholeOf(event.at)} · ${event.actor} · ${event.type.replaceAll('_', ' ')}`;
}

function PastBoard({ then: { tasks, event } }: { then: Then }) {
  const titles = new Map(tasks.map((task) => [task.id, task]));
  return (
    <section class="board" aria-label="Board as it was">
      {tasks.length === 0 && <Empty text="There were no tasks yet." />}
      {tasks.length > 0 &&
        columnsOf(tasks).map(({ status, count, cards }) => (
          <section key={status} class="lane" aria-label={`${status}, ${count}`}>
            <h4>
              <i class={`dot ${status}`} aria-hidden="true" />
              {status} <span class="count">{count}</span>
            </h4>
            <ul>
              {cards.map((task) => (
                <PastCard key={task.id} task={task} known={titles} isNew={event?.subject === task.id} />
              ))}
              {count > cards.length && <li class="faint more">and {count - cards.length} more</li>}
            </ul>
          </section>
        ))}
    </section>
  );
}

function PastCard({ task, known, isNew }: { task: Task; known: ReadonlyMap<string, Task>; isNew: boolean }) {
  const { id, title, priority, assignee, open_blockers, blocked_by, blocked_reason, status } = task;
  const blocker = open_blockers
    ? blocked_by?.map((each) => known.get(each)).find((each) => each && each.status !== 'done')
    : undefined;
  return (
    <li class={`card ${isNew ? 'just' : ''}`}>
      <div data-item={id} tabIndex={-1}>
        <span class="title" dir="auto">
          {priority && <span class={`priority ${priority.toLowerCase()}`}>{priority} </span>}
          {title}
        </span>
        {(blocker || (status === 'blocked' && blocked_reason)) && (
          <span class="why" dir="auto">
            {blocker ? `waits for ${blocker.title}` : blocked_reason}
          </span>
        )}
        <span class="line foot faint">
          {assignee ? (
            <>
              <Avatar name={assignee} size="s" />
              <span class="cut" dir="auto">
                {assignee}
              </span>
            </>
          ) : (
            <span>nobody</span>
          )}
        </span>
      </div>
    </li>
  );
}

function PastChat({ then: { messages, channels, event } }: { then: Then }) {
  const channel = useSignal(chosen.peek());
  const list = useRef<HTMLDivElement>(null);
  const ids = [
    ...new Set([channel.value, ...channels.map(({ id }) => id).filter((id) => !id.startsWith('task:'))]),
  ].sort();
  const said = messages.filter((each) => each.channel === channel.value && each.threadId === undefined).slice(-MOST);
  const newest = said.at(-1)?.id;
  useLayoutEffect(() => {
    if (list.current) list.current.scrollTop = list.current.scrollHeight;
  }, [newest, channel.value]);
  return (
    <section class="chat" aria-label="Chat as it was">
      <label class="line">
        <span class="faint">Channel</span>
        <select
          value={channel.value}
          onChange={({ currentTarget }) => {
            channel.value = currentTarget.value;
          }}
        >
          {ids.map((id) => (
            <option key={id} value={id}>
              {otherEnd(id) === undefined ? `#${id}` : `@${otherEnd(id)}`}
            </option>
          ))}
        </select>
      </label>
      <div class="messages" ref={list} tabIndex={0} role="log" aria-live="off" aria-label="Messages as they were">
        {said.length === 0 && <Empty text="Nothing was said here yet." />}
        {said.map((message) => (
          <PastMessage key={message.id} message={message} isNew={event?.data.id === message.id} />
        ))}
      </div>
    </section>
  );
}

function PastMessage({ message, isNew }: { message: Message; isNew: boolean }) {
  const { from, timestamp, content, deletedAt, reactions } = message;
  const body = useMemo(() => markdown(beginning(content), me.peek()), [content]);
  const all = Object.entries(reactions ?? {});
  return (
    <article class={`message ${isNew ? 'just' : ''}`}>
      <span class="side">
        <Avatar name={from} />
      </span>
      <div class="main">
        <p class="by">
          <b dir="auto">{from}</b>
          <time class="faint" title={wholeOf(timestamp)}>
            {clockOf(timestamp)}
          </time>
        </p>
        {deletedAt === undefined ? (
          <div class="text" dir="auto">
            {body}
          </div>
        ) : (
          <p class="faint">This message was deleted.</p>
        )}
        {all.length > 0 && (
          <p class="faint small">{all.map(([emoji, by]) => `${emoji.slice(0, 16)} ${by.length}`).join(' ')}</p>
        )}
      </div>
    </article>
  );
}
