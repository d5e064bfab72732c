import { useSignal } from '@preact/signals';
import type { Output } from '../../client/index.ts';
import { Empty } from '../empty.tsx';
import { eventCount } from '../events.ts';
import { me } from '../me.ts';
import { askName } from '../name.tsx';
import { hrefOf } from '../route.ts';
import { sayWhy } from '../say.tsx';
import { client, shown, writer } from '../store.ts';
import { Loaded, useLoading } from './loading.tsx';
import { AgentLink, Part, TaskLink, useSoon } from './parts.tsx';

/** Tokens of the digest: what a person reads in one go. */
const BUDGET = 4_000;

type Digest = Output<'catchup.get'>;
type Item = Digest['addressed']['items'][number];

/** What who sits here missed, and says to have dealt with. */
export default function CatchUp() {
  const name = me.value;
  if (name === undefined)
    return (
      <div class="empty">
        <p>What you missed is known by your name.</p>
        <p>
          <button type="button" class="primary" onClick={askName}>
            Say your name
          </button>
        </p>
      </div>
    );
  return <Missed key={name} name={name} />;
}

function Missed({ name }: { name: string }) {
  const busy = useSignal(false);
  const loading = useLoading(name, () => client.value.catchup.get({ agent: name, budget: BUDGET }));
  useSoon(loading.again, String(eventCount.value), 1_500);
  const acknowledge = async (what: { cursor: string } | { messageIds: string[] }) => {
    busy.value = true;
    try {
      const { seq } = await writer().call('inbox.ack', { agent: name, ...what });
      await shown(seq);
      loading.again();
    } catch (error) {
      sayWhy(error);
    } finally {
      busy.value = false;
    }
  };
  return (
    <Loaded of={loading}>
      {(digest) => {
        const { addressed, decisions, tasks, channels, threads, cursor, more } = digest;
        const said = Object.entries(channels).sort(([, a], [, b]) => b - a);
        const nothing = addressed.total + decisions.total + tasks.total + said.length + threads.length === 0;
        if (nothing)
          return (
            <Empty
              text="You are up to date. What is addressed to you will be here:"
              curl={`curl ${location.origin}/chat/messages -H 'Content-Type: application/json' -d '{"from":"kai","to":"${name}","content":"Have a look"}'`}
            />
          );
        return (
          <article class="catch-up-pane">
            <p class="deeds">
              <button type="button" class="primary" disabled={busy.value} onClick={() => void acknowledge({ cursor })}>
                Acknowledge all of it
              </button>
              <span class="faint">
                {more ? 'There is more: acknowledge this, and the rest comes.' : 'That is all up to now.'}
              </span>
            </p>
            <Part title="For you" count={addressed.total}>
              {addressed.items.length === 0 && <p class="faint small">Nothing.</p>}
              <ul class="missed">
                {addressed.items.map((item) => (
                  <Addressed
                    key={item.id}
                    item={item}
                    busy={busy.value}
                    onAck={() => void acknowledge({ messageIds: [item.id] })}
                  />
                ))}
              </ul>
              <Rest total={addressed.total} shown={addressed.items.length} />
            </Part>
            {decisions.total > 0 && (
              <Part title="Decisions" count={decisions.total}>
                <ul class="missed">
                  {decisions.items.map((item, i) => (
                    <li key={i}>
                      <p dir="auto">{textOf(item)}</p>
                    </li>
                  ))}
                </ul>
                <Rest total={decisions.total} shown={decisions.items.length} />
              </Part>
            )}
            {tasks.total > 0 && (
              <Part title="Tasks that moved" count={tasks.total}>
                <ul class="task-list">
                  {tasks.items.map((task) => (
                    <li key={task.id}>
                      <TaskLink id={task.id} title={task.title} />
                      {task.assignee && (
                        <span class="push faint">
                          <AgentLink name={task.assignee} />
                        </span>
                      )}
                    </li>
                  ))}
                </ul>
                <Rest total={tasks.total} shown={tasks.items.length} />
              </Part>
            )}
            {said.length > 0 && (
              <Part title="Said in channels">
                <ul class="chips">
                  {said.map(([channel, count]) => (
                    <li key={channel}>
                      <a class="chip" href={hrefOf('channel', channel)}>
                        <span dir="auto">#{channel}</span> <b>{count}</b>
                      </a>
                    </li>
                  ))}
                </ul>
              </Part>
            )}
          </article>
        );
      }}
    </Loaded>
  );
}

/** Why it is for you, in words. */
const REASONS: Record<string, string> = {
  dm: 'to you alone',
  mention: 'names you',
  review: 'asks your review',
  thread: 'in a thread of yours',
  assigned: 'is yours to do',
};

function Addressed({ item, busy, onAck }: { item: Item; busy: boolean; onAck: () => void }) {
  const { from, channel, reason, text } = item;
  const task = channel?.startsWith('task:') ? channel.slice(5) : undefined;
  return (
    <li>
      <p class="line">
        <AgentLink name={from} />
        <span class="tag">{REASONS[reason ?? ''] ?? reason ?? 'for you'}</span>
        {task !== undefined ? (
          <span class="cut">
            <TaskLink id={task} />
          </span>
        ) : (
          channel !== undefined && (
            <a class="faint" href={hrefOf('channel', channel)} dir="auto">
              {channel.startsWith('dm:') ? 'direct' : `#${channel}`}
            </a>
          )
        )}
        <button type="button" class="quiet push" disabled={busy} aria-label={`Dealt with: ${text}`} onClick={onAck}>
          Dealt with
        </button>
      </p>
      <p dir="auto">{text}</p>
    </li>
  );
}

function Rest({ total, shown: here }: { total: number; shown: number }) {
  return total > here ? <p class="faint small">and {total - here} more</p> : null;
}

function textOf(item: object): string {
  const { text, title, content } = item as Record<string, unknown>;
  return String(text ?? title ?? content ?? JSON.stringify(item));
}
