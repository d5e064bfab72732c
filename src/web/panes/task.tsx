import { Empty } from '../empty.tsx';
import { markdown } from '../markdown.tsx';
import { me } from '../me.ts';
import { client, live, type Task } from '../store.ts';
import { Ago, Until } from '../ticking.tsx';
import { Loaded, useLoading } from './loading.tsx';
import { AgentLink, Facts, Part, TaskLink } from './parts.tsx';
import { Deeds } from './task-deeds.tsx';
import { Thread } from './task-thread.tsx';
import { Runs, Timeline } from './task-timeline.tsx';

/** One task: what it is, what one can do with it, what became of it beside what was said about it. */
export default function TaskPane({ id }: { id: string | undefined }) {
  const held = id === undefined ? undefined : live.tasks.value.get(id);
  const loading = useLoading(`${id} ${held?.seq} ${me.value}`, async () => {
    const name = id as string;
    // A task that is gone has its history still.
    const [task, history, runs] = await Promise.all([
      client.value.tasks.get({ id: name }).then(({ task }) => task as unknown as Task),
      client.value.tasks.history({ id: name, limit: 1_000 }),
      client.value.tasks.runs({ id: name, limit: 1_000 }),
    ]);
    return { task, history, runs };
  });
  if (id === undefined) return <Empty text="No task is chosen: open one from the board." keys="g b" />;
  const task = held ?? loading.value?.task;
  if (task === undefined) return <Loaded of={loading}>{() => null}</Loaded>;
  return (
    <article class="task-pane">
      <header>
        <p class="line">
          <span class={`status ${task.status}`}>
            <i class={`dot ${task.status}`} aria-hidden="true" /> {task.status}
          </span>
          {task.priority && <span class={`priority ${task.priority.toLowerCase()}`}>{task.priority}</span>}
          {task.tags?.map((tag) => (
            <span key={tag} class="tag" dir="auto">
              {tag}
            </span>
          ))}
          <code class="faint cut push">{task.id}</code>
        </p>
        <h3 class="title" dir="auto">
          {task.title}
        </h3>
        {task.description && (
          <div class="text" dir="auto">
            {markdown(task.description, me.value)}
          </div>
        )}
        <TaskFacts task={task} />
        <Deeds key={`${task.status} ${task.claim?.id}`} task={task} />
      </header>
      <div class="beside">
        <div>
          <Loaded of={loading}>
            {({ history, runs }) => (
              <>
                <Part title="What happened" count={history.more ? `${history.count}+` : history.count}>
                  <Timeline entries={history.history} more={history.more === true} />
                </Part>
                <Part title="Runs" count={runs.count}>
                  <Runs runs={runs.runs} />
                </Part>
              </>
            )}
          </Loaded>
        </div>
        <Thread task={task} />
      </div>
    </article>
  );
}

function TaskFacts({ task }: { task: Task }) {
  const { assignee, reviewer, createdBy, createdAt, claim, due, blocked_by, parent, subtasks, result, review } = task;
  const { blocked_reason, channel, artifacts, failed_runs } = task;
  return (
    <Facts
      of={[
        ['Done by', assignee ? <AgentLink name={assignee} /> : 'nobody yet'],
        [
          'Claim',
          claim && (
            <>
              <AgentLink name={claim.agent} /> has it for{' '}
              <Until at={claim.expiresAt} whole={claim.ttl * 1_000} label="until" />
            </>
          ),
        ],
        ['Reviewed by', reviewer && <AgentLink name={reviewer} />],
        [
          'Verdict',
          review && (
            <>
              {review.verdict} by <AgentLink name={review.by} /> <Ago at={review.at} />
              {review.comment && `: ${review.comment}`}
            </>
          ),
        ],
        ['Blocked', blocked_reason],
        [
          'Waits for',
          blocked_by && blocked_by.length > 0 && (
            <ul>
              {blocked_by.map((each) => (
                <li key={each}>
                  <TaskLink id={each} />
                </li>
              ))}
            </ul>
          ),
        ],
        ['Part of', parent && <TaskLink id={parent} />],
        ['Parts done', subtasks && `${subtasks.done} of ${subtasks.total}`],
        ['Failed runs', failed_runs],
        ['Due', due !== undefined && <Ago at={due} />],
        ['Result', result === undefined ? undefined : typeof result === 'string' ? result : JSON.stringify(result)],
        [
          'Artifacts',
          artifacts &&
            artifacts.length > 0 &&
            artifacts.map(({ name, url }) => String(name ?? url ?? 'artifact')).join(', '),
        ],
        ['Channel', channel && `#${channel}`],
        [
          'Created',
          <>
            by <AgentLink name={createdBy} />, <Ago at={createdAt} />
          </>,
        ],
      ]}
    />
  );
}
