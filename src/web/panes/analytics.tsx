import { useSignal } from '@preact/signals';
import { openBlockers } from '../columns.ts';
import { Empty } from '../empty.tsx';
import { client, type Task, tasks } from '../store.ts';
import { Loaded, useLoading } from './loading.tsx';
import { AgentLink, Bar, Facts, lasting, Part, TaskLink, useSoon } from './parts.tsx';

const DAY = 86_400_000;
const SPANS = [7, 30, 90];
const STATUSES = ['todo', 'doing', 'blocked', 'validating', 'done', 'cancelled'] as const;

/** How work goes: what is done in a day, how long it takes, who has what, who waits for whom. */
export default function Analytics() {
  const days = useSignal(30);
  const loading = useLoading(String(days.value), () => client.value.tasks.analytics({ days: days.value }));
  const changed = tasks.value.reduce((newest, { seq }) => Math.max(newest, seq), 0);
  useSoon(loading.again, String(changed), 1_500);
  return (
    <Loaded of={loading}>
      {({ total, byStatus, byAgent, unassigned, cycleTime, throughput, days: span }) =>
        total === 0 ? (
          <Empty
            text="Nothing to count yet."
            keys="c"
            curl={`curl ${location.origin}/tasks -H 'Content-Type: application/json' -d '{"title":"Mend the login","createdBy":"kai"}'`}
          />
        ) : (
          <article class="analytics-pane">
            <p class="deeds">
              {SPANS.map((each) => (
                <button
                  key={each}
                  type="button"
                  aria-pressed={days.value === each}
                  onClick={() => {
                    days.value = each;
                  }}
                >
                  {each} days
                </button>
              ))}
            </p>
            <Part title="Done each day" count={throughput.reduce((sum, { done }) => sum + done, 0)}>
              <Days done={new Map(throughput.map(({ day, done }) => [day, done]))} days={span} />
            </Part>
            <Part title="From first start to done">
              {cycleTime.count === 0 ? (
                <p class="faint small">Nothing was done in these days.</p>
              ) : (
                <Facts
                  of={[
                    ['Half within', cycleTime.p50 !== null && lasting(cycleTime.p50)],
                    ['Nine of ten within', cycleTime.p90 !== null && lasting(cycleTime.p90)],
                    ['On average', cycleTime.mean !== null && lasting(cycleTime.mean)],
                    ['Tasks', cycleTime.count],
                  ]}
                />
              )}
            </Part>
            <Part title="Where work stands" count={total}>
              <table class="figures">
                <tbody>
                  {STATUSES.map((status) => [status, byStatus[status] ?? 0] as const)
                    .filter(([, n]) => n > 0)
                    .map(([status, n]) => (
                      <tr key={status}>
                        <th scope="row">
                          <i class={`dot ${status}`} aria-hidden="true" /> {status}
                        </th>
                        <td class="num">{n}</td>
                        <td class="wide">
                          <Bar part={n} whole={total} kind={status} />
                        </td>
                      </tr>
                    ))}
                </tbody>
              </table>
            </Part>
            <Waiting />
            <Part title="Who has what">
              <Loads byAgent={byAgent} unassigned={unassigned} />
            </Part>
          </article>
        )
      }
    </Loaded>
  );
}

/** A bar for each day, oldest first (UTC, as the server counts). */
function Days({ done, days }: { done: ReadonlyMap<string, number>; days: number }) {
  const today = Date.now();
  const all = Array.from({ length: days }, (_, i) => {
    const day = new Date(today - (days - 1 - i) * DAY).toISOString().slice(0, 10);
    return { day, n: done.get(day) ?? 0 };
  });
  const most = Math.max(1, ...all.map(({ n }) => n));
  const best = all.reduce((a, b) => (b.n > a.n ? b : a));
  return (
    <figure class="days">
      <svg
        viewBox={`0 0 ${days * 10} 100`}
        preserveAspectRatio="none"
        role="img"
        aria-label={`Tasks done each day of the last ${days}; most: ${best.n} on ${best.day}`}
      >
        {all.map(({ day, n }, i) => (
          <rect
            key={day}
            class={n === 0 ? 'none' : ''}
            x={i * 10 + 1}
            y={n === 0 ? 98 : 100 - (n / most) * 96}
            width={8}
            height={n === 0 ? 2 : (n / most) * 96}
          >
            <title>
              {day}: {n}
            </title>
          </rect>
        ))}
      </svg>
      <figcaption class="faint">
        <span>{all[0]?.day}</span>
        <span>most in a day: {best.n}</span>
        <span>{all.at(-1)?.day}</span>
      </figcaption>
    </figure>
  );
}

interface Wait {
  /** Who cannot go on. */
  who: string;
  task: Task;
  /** Whom it needs. */
  on: string;
  why: 'task' | 'review';
  blocker?: Task;
}

/** Who waits for whom: through tasks that wait for tasks, and through reviews. */
function waits(): Wait[] {
  const all: Wait[] = [];
  for (const task of tasks.value) {
    if (task.status === 'done' || task.status === 'cancelled') continue;
    const who = task.assignee ?? task.createdBy;
    for (const blocker of openBlockers(task))
      all.push({ who, task, on: blocker.claim?.agent ?? blocker.assignee ?? 'nobody', why: 'task', blocker });
    if (task.status === 'validating' && task.reviewer !== undefined)
      all.push({ who, task, on: task.reviewer, why: 'review' });
  }
  return all;
}

/** Waits that are shown for one pair. */
const SHOWN = 20;

function Waiting() {
  const all = waits();
  const on = new Map<string, Wait[]>();
  for (const wait of all) on.set(wait.on, [...(on.get(wait.on) ?? []), wait]);
  const groups = [...on].sort(([, a], [, b]) => b.length - a.length);
  return (
    <Part title="Who waits on whom" count={all.length}>
      {groups.length === 0 && <p class="faint small">Nobody waits.</p>}
      <ul class="waits">
        {groups.map(([name, wait]) => (
          <li key={name}>
            <p>
              {name === 'nobody' ? <b class="warn">nobody has it</b> : <AgentLink name={name} />}{' '}
              <span class="faint">
                keeps {wait.length} {wait.length === 1 ? 'task' : 'tasks'} waiting
              </span>
            </p>
            <ul>
              {wait.slice(0, SHOWN).map(({ who, task, why, blocker }) => (
                <li key={`${task.id} ${blocker?.id}`}>
                  <AgentLink name={who} /> with <TaskLink id={task.id} />{' '}
                  <span class="faint">
                    {why === 'review' ? (
                      'for the review'
                    ) : (
                      <>
                        for <TaskLink id={blocker?.id as string} />
                      </>
                    )}
                  </span>
                </li>
              ))}
              {wait.length > SHOWN && <li class="faint">and {wait.length - SHOWN} more</li>}
            </ul>
          </li>
        ))}
      </ul>
    </Part>
  );
}

/** Agents that are shown. */
const AGENTS = 40;

function Loads({
  byAgent,
  unassigned,
}: {
  byAgent: Readonly<Record<string, Partial<Record<string, number>>>>;
  unassigned: number;
}) {
  const openOf = (counts: Partial<Record<string, number>>) =>
    STATUSES.slice(0, 4).reduce((sum, status) => sum + (counts[status] ?? 0), 0);
  const rows = Object.entries(byAgent).sort(([, a], [, b]) => openOf(b) - openOf(a) || (b.done ?? 0) - (a.done ?? 0));
  return (
    <section class="table" tabIndex={0} aria-label="Tasks by agent">
      <table class="figures">
        <thead>
          <tr>
            <th scope="col">agent</th>
            {STATUSES.map((status) => (
              <th key={status} scope="col" class="num">
                {status}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.slice(0, AGENTS).map(([name, counts]) => (
            <tr key={name}>
              <th scope="row">
                <AgentLink name={name} />
              </th>
              {STATUSES.map((status) => (
                <td key={status} class="num">
                  {counts[status] || <span class="faint">·</span>}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
      {rows.length > AGENTS && <p class="faint small">and {rows.length - AGENTS} more agents</p>}
      <p class="faint small">{unassigned} without anybody.</p>
    </section>
  );
}
