import { computed, signal } from '@preact/signals';
import { exactOf } from './clock.ts';
import { Empty } from './empty.tsx';
import { type Event, eventCount, recent } from './events.ts';
import { hrefOf } from './route.ts';
import { pointed } from './steady.ts';
import { seq } from './store.ts';

/** The last event that is shown while it is paused; undefined: it runs. */
export const paused = signal<number | undefined>(undefined);
const filter = signal('');
const open = signal<number | undefined>(undefined);
const shownRows = signal(100);

/** Holds the list still, or lets it run again. */
export function togglePause(): void {
  paused.value = paused.value === undefined ? (recent.at(-1)?.seq ?? 0) : undefined;
}

const texts = new WeakMap<Event, string>();

/** All that an event says, in lower case. */
function textOf(event: Event): string {
  let text = texts.get(event);
  if (text === undefined) texts.set(event, (text = JSON.stringify(event).slice(0, 20_000).toLowerCase()));
  return text;
}

/** The last event that is shown: while the pointer is over the list, none is put above what it points at. */
let last = 0;
const upTo = computed(() => {
  eventCount.value;
  if (paused.value !== undefined) return paused.value;
  if (pointed.value !== 'events' || last === 0) last = recent.at(-1)?.seq ?? 0;
  return last;
});

const found = computed<readonly Event[]>(() => {
  eventCount.value;
  const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
  const end = upTo.value;
  const rows: Event[] = [];
  for (let i = recent.length - 1; i >= 0 && rows.length < shownRows.value; i--) {
    const event = recent[i] as Event;
    if (event.seq <= end && words.every((word) => textOf(event).includes(word))) rows.push(event);
  }
  return rows;
});

const count = new Intl.NumberFormat('en');

export function Inspector() {
  const stopped = paused.value;
  const end = upTo.value;
  const newest = Math.max(seq.value, end);
  const later = newest - end;
  return (
    <section class="inspector panel" data-region="events" aria-label="Events" tabIndex={-1}>
      <header>
        <h2>Events</h2>
        <input
          type="search"
          aria-label="Filter events"
          placeholder="Filter: type, actor, anything in it"
          value={filter.value}
          onInput={({ currentTarget }) => {
            filter.value = currentTarget.value;
            shownRows.value = 100;
          }}
        />
        <span class="state faint" role="status" aria-live="off">
          {stopped === undefined
            ? `at ${count.format(end)}${later > 0 ? ` (+${count.format(later)})` : ''}`
            : `paused at ${count.format(stopped)} (+${count.format(later)})`}
        </span>
        <button type="button" aria-pressed={stopped !== undefined} onClick={togglePause}>
          {stopped === undefined ? 'Pause' : 'Go on'}
        </button>
      </header>
      <div class="rows" tabIndex={-1}>
        {found.value.length === 0 && (
          <Empty
            text={filter.value ? 'No event matches.' : 'Nothing has happened yet.'}
            {...(!filter.value && { curl: `curl -N ${location.origin}/events/subscribe` })}
          />
        )}
        <ol>
          {found.value.map((event) => (
            <Row key={event.seq} event={event} />
          ))}
        </ol>
        {found.value.length === shownRows.value && (
          <button
            type="button"
            class="wide"
            onClick={() => {
              shownRows.value += 200;
            }}
          >
            Show more
          </button>
        )}
      </div>
    </section>
  );
}

function Row({ event }: { event: Event }) {
  const isOpen = open.value === event.seq;
  const { type, subject, data } = event;
  const task = subject !== undefined && type.startsWith('task_');
  return (
    <li>
      <button
        type="button"
        class="row"
        data-item={event.seq}
        aria-expanded={isOpen}
        onClick={() => {
          open.value = isOpen ? undefined : event.seq;
        }}
      >
        <span class="num">{event.seq}</span>
        <span class="time">{exactOf(event.at)}</span>
        <span class="cut actor" dir="auto">
          {event.actor}
        </span>
        <span class={`type of-${type.split('_')[0]}`}>{type}</span>
        <span class="cut faint said" dir="auto">
          {gist(data) ?? subject}
        </span>
      </button>
      {isOpen && (
        <div class="json">
          {task && <a href={hrefOf('task', subject)}>Open {subject}</a>}
          <pre tabIndex={0}>{shortened(JSON.stringify(event, null, 2))}</pre>
        </div>
      )}
    </li>
  );
}

/** What an event is about, in a few words. */
function gist(data: Record<string, unknown>): string | undefined {
  const { changes, content, title, status, name } = data;
  if (typeof content === 'string') return content.slice(0, 200);
  if (typeof title === 'string') return title.slice(0, 200);
  if (changes !== null && typeof changes === 'object')
    return Object.entries(changes)
      .map(([field, value]) => `${field} → ${typeof value === 'string' ? value : JSON.stringify(value)}`)
      .join(', ')
      .slice(0, 200);
  return [name, status].filter((each) => typeof each === 'string').join(' ') || undefined;
}

function shortened(text: string): string {
  return text.length <= 20_000 ? text : `${text.slice(0, 20_000)}\n… ${text.length - 20_000} characters more`;
}
