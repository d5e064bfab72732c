import { Avatar } from '../avatar.tsx';
import { startWriting } from '../composer.tsx';
import { Empty } from '../empty.tsx';
import { eventCount, recent } from '../events.ts';
import { markdown } from '../markdown.tsx';
import { me } from '../me.ts';
import { hrefOf, leave } from '../route.ts';
import { type Agent, agents, client, live, type Presence, type Task, tasks } from '../store.ts';
import { tab } from '../tabs.tsx';
import { Ago } from '../ticking.tsx';
import { Loaded, useLoading } from './loading.tsx';
import { Facts, Part, TaskLink } from './parts.tsx';

const ORDER = ['doing', 'blocked', 'validating', 'todo', 'done', 'cancelled'];

/** Something that was done, as the activity tells it. */
interface Deed {
  id: string;
  type: string;
  timestamp: number;
  subject?: string;
  data: Record<string, unknown>;
}

/** Tasks of an agent that are shown. */
const MOST = 50;

/** One agent: who it is, how it is, what it has to do, what it did last. */
export default function AgentPane({ id }: { id: string | undefined }) {
  if (id === undefined) return <Empty text="Nobody is chosen: open somebody from the room." keys="g r" />;
  return <Somebody name={id} />;
}

function Somebody({ name: given }: { name: string }) {
  const agent =
    live.agents.value.get(given) ?? agents.value.find(({ aliases }) => aliases?.some((alias) => alias === given));
  const name = agent?.name ?? given;
  const presence = live.presences.value.get(name);
  eventCount.value;
  const newest = recent.findLast(({ actor }) => actor === name)?.seq;
  const loading = useLoading(`${name} ${me.value} ${newest}`, () =>
    client.value.activity.list({ agent: name, limit: 30 }).then(({ events }) => events as readonly Deed[]),
  );
  if (agent === undefined)
    return (
      <Empty
        text={`Nobody of the name ${given} has acted here.`}
        curl={`curl -X PUT ${location.origin}/agents/${encodeURIComponent(given)} -H 'Content-Type: application/json' -d '{"role":"builder"}'`}
      />
    );
  return (
    <article class="agent-pane">
      <Who agent={agent} presence={presence} />
      <div class="beside">
        <Tasks name={name} />
        <Part title="Last acts">
          <Loaded of={loading}>
            {(events) => (
              <ol class="timeline">
                {events.length === 0 && <li class="faint">Nothing that you may see.</li>}
                {events.map(({ id, type, timestamp, subject, data }) => (
                  <li key={id} class={`of-${type}`}>
                    <p>
                      {type.replaceAll('_', ' ')}
                      <span class="faint when">
                        <Ago at={timestamp} />
                      </span>
                    </p>
                    <Act type={type} subject={subject} data={data} />
                  </li>
                ))}
              </ol>
            )}
          </Loaded>
        </Part>
      </div>
    </article>
  );
}

function Who({ agent, presence }: { agent: Agent; presence: Presence | undefined }) {
  const { name, role, kind, description, capabilities, aliases, firstSeen } = agent;
  const status = presence?.status ?? 'offline';
  const doing = presence?.task;
  return (
    <header>
      <p class="line who-line">
        <Avatar name={name} />
        <b dir="auto">{name}</b>
        {kind === 'human' && <span class="tag">{name === me.value ? 'you' : 'human'}</span>}
        <span class={`status ${status}`}>
          <i class={`dot ${status}`} aria-hidden="true" /> {status}
        </span>
        {presence && (
          <span class="faint">
            for <Ago at={presence.since} />
          </span>
        )}
        {me.value !== undefined && me.value !== name && (
          <button
            type="button"
            class="push"
            onClick={() => {
              leave();
              tab.value = 'chat';
              startWriting(`dm:${[me.value, name].sort().join(':')}`);
            }}
          >
            Write to {name}
          </button>
        )}
      </p>
      {description && (
        <div class="text" dir="auto">
          {markdown(description, me.value)}
        </div>
      )}
      <Facts
        of={[
          ['Role', role],
          ['Works at', doing && (live.tasks.value.has(doing) ? <TaskLink id={doing} /> : doing)],
          ['Can do', capabilities?.join(', ')],
          ['Also called', aliases?.join(', ')],
          ['Last sign', presence && <Ago at={presence.lastUpdate} />],
          ['Streams', presence?.connections],
          ['Here since', <Ago at={firstSeen} />],
        ]}
      />
    </header>
  );
}

function Tasks({ name }: { name: string }) {
  const own = tasks.value
    .filter(({ assignee, claim }) => assignee === name || claim?.agent === name)
    .sort((a, b) => ORDER.indexOf(a.status) - ORDER.indexOf(b.status) || b.updatedAt - a.updatedAt);
  const reviews = tasks.value.filter(({ reviewer, status }) => reviewer === name && status === 'validating');
  return (
    <div>
      {reviews.length > 0 && (
        <Part title="To be reviewed" count={reviews.length}>
          <TaskList of={reviews} />
        </Part>
      )}
      <Part title="Tasks" count={own.length}>
        {own.length === 0 ? (
          <Empty
            text="None."
            curl={`curl -X POST '${location.origin}/tasks/next' -H 'Content-Type: application/json' -d '{"agent":"${name}","claim":true}'`}
          />
        ) : (
          <TaskList of={own} />
        )}
      </Part>
    </div>
  );
}

function TaskList({ of }: { of: readonly Task[] }) {
  return (
    <ul class="task-list">
      {of.slice(0, MOST).map((task) => (
        <li key={task.id}>
          <TaskLink id={task.id} />
          <span class="faint push">
            <Ago at={task.updatedAt} />
          </span>
        </li>
      ))}
      {of.length > MOST && <li class="faint">and {of.length - MOST} more</li>}
    </ul>
  );
}

function Act({ type, subject, data }: { type: string; subject: string | undefined; data: Record<string, unknown> }) {
  if (type.startsWith('task_') && subject !== undefined)
    return (
      <p>
        <TaskLink id={subject} title={typeof data.title === 'string' ? data.title : undefined} />
      </p>
    );
  const { content, channel, key } = data;
  return (
    <p class="faint" dir="auto">
      {typeof channel === 'string' &&
        (channel.startsWith('task:') ? (
          <>
            <TaskLink id={channel.slice(5)} />
            {': '}
          </>
        ) : channel.startsWith('dm:') ? null : (
          <>
            <a class="meant" href={hrefOf('channel', channel)}>
              #{channel}
            </a>{' '}
          </>
        ))}
      {typeof content === 'string' ? content.slice(0, 200) : typeof key === 'string' ? key : undefined}
    </p>
  );
}
