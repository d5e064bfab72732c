import { computed } from '@preact/signals';
import { Avatar } from './avatar.tsx';
import { now } from './clock.ts';
import { Empty } from './empty.tsx';
import { me } from './me.ts';
import { choose, chosen, type Room, rooms, unreadOf } from './rooms.ts';
import { hrefOf, route } from './route.ts';
import { steady } from './steady.ts';
import { type Agent, agents, live, type Presence } from './store.ts';
import { Ago } from './ticking.tsx';

const ORDER = ['working', 'reviewing', 'blocked', 'waiting', 'idle', 'offline'];

interface Person {
  agent: Agent;
  presence: Presence | undefined;
  status: Presence['status'];
}

const inPlace = steady<Person>('rail', ({ agent }) => agent.name);

/** Everybody: first those who do something, then by name. */
const people = computed<readonly Person[]>(() => {
  const presences = live.presences.value;
  const all = agents.value
    .map((agent): Person => {
      const presence = presences.get(agent.name);
      return { agent, presence, status: presence?.status ?? 'offline' };
    })
    .sort((a, b) => ORDER.indexOf(a.status) - ORDER.indexOf(b.status) || a.agent.name.localeCompare(b.agent.name));
  return inPlace(all);
});

/** People who are shown at once; who was away for long is counted. */
const MOST = 60;

export function Rail() {
  const here = people.value.filter(({ status }) => status !== 'offline');
  return (
    <nav class="rail panel" data-region="rail" aria-label="People and channels" tabIndex={-1}>
      <section aria-labelledby="rail-people">
        <h2 id="rail-people">
          Who is here <span class="count">{here.length}</span>
        </h2>
        {people.value.length === 0 && (
          <Empty
            text="Nobody yet. Whoever acts is here."
            curl={`curl -X PUT ${location.origin}/agents/kai -H 'Content-Type: application/json' -d '{"role":"builder"}'`}
          />
        )}
        <ul class="people">
          {people.value.slice(0, MOST).map((person) => (
            <Somebody key={person.agent.name} {...person} />
          ))}
        </ul>
        {people.value.length > MOST && <p class="faint more">and {people.value.length - MOST} more</p>}
      </section>
      <Rooms title="Channels" kind="channel" />
      <Rooms title="Direct messages" kind="direct" />
    </nav>
  );
}

function Somebody({ agent: { name, kind, role }, presence, status }: Person) {
  const task = presence?.task === undefined ? undefined : live.tasks.value.get(presence.task);
  const doing = task?.title ?? presence?.task;
  const open = route.value.pane === 'agent' && route.value.id === name;
  return (
    <li>
      <a href={hrefOf('agent', name)} data-item={name} class="person" aria-current={open ? 'true' : undefined}>
        <span class="who">
          <Avatar name={name} />
          <i class={`dot ${status}`} />
        </span>
        <span class="lines">
          <span class="line">
            <b dir="auto">{name}</b>
            {kind === 'human' && <span class="tag">{name === me.value ? 'you' : 'human'}</span>}
            {role && <span class="faint cut">{role}</span>}
          </span>
          <span class="line faint">
            <span class="cut" dir="auto">
              {status}
              {doing !== undefined && ` · ${doing}`}
            </span>
            {presence && <Ago at={status === 'offline' ? presence.lastUpdate : presence.since} />}
          </span>
        </span>
      </a>
    </li>
  );
}

function Rooms({ title, kind }: { title: string; kind: Room['kind'] }) {
  const shown = rooms.value.filter((room) => room.kind === kind);
  if (shown.length === 0) return null;
  return (
    <section aria-labelledby={`rail-${kind}`}>
      <h2 id={`rail-${kind}`}>{title}</h2>
      <ul class="rooms">
        {shown.map((room) => (
          <RoomLine key={room.id} {...room} />
        ))}
      </ul>
    </section>
  );
}

function RoomLine({ id, label, kind, count, lastActivity }: Room) {
  const unread = chosen.value === id ? 0 : unreadOf({ id, count });
  return (
    <li>
      <button
        type="button"
        class={`room ${unread > 0 ? 'unread' : ''}`}
        data-item={id}
        aria-current={chosen.value === id ? 'true' : undefined}
        onClick={() => choose(id)}
      >
        <span class="sign" aria-hidden="true">
          {kind === 'direct' ? '@' : '#'}
        </span>
        <span class="cut" dir="auto">
          {label}
        </span>
        {unread > 0 ? (
          <span class="badge">
            {unread > 999 ? '999+' : unread}
            <span class="sr"> unread</span>
          </span>
        ) : (
          lastActivity > 0 &&
          now.value - lastActivity < 86_400_000 && (
            <span class="faint">
              <Ago at={lastActivity} />
            </span>
          )
        )}
      </button>
    </li>
  );
}
