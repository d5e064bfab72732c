import { signal } from '@preact/signals';
import { Avatar } from './avatar.tsx';
import { now } from './clock.ts';
import { type Column, columns, isMoving, moveTask, openBlockers, type Status } from './columns.ts';
import { Empty } from './empty.tsx';
import { hrefOf, route } from './route.ts';
import { ready, type Task, tasks } from './store.ts';
import { Ago, Until } from './ticking.tsx';

const over = signal<Status | undefined>(undefined);
const KIND = 'text/x-reflectt-task';

/** Work, by where it stands. */
export function Board() {
  return (
    <section class="board panel" data-region="board" aria-label="Board" tabIndex={-1}>
      {ready.value && tasks.value.length === 0 ? (
        <Empty
          text="No tasks yet."
          keys="c"
          curl={`curl ${location.origin}/tasks -H 'Content-Type: application/json' -d '{"title":"Mend the login","createdBy":"kai"}'`}
        />
      ) : (
        columns.value.map((column) => <Lane key={column.status} {...column} />)
      )}
    </section>
  );
}

function Lane({ status, count, cards }: Column) {
  return (
    <section
      class={`lane ${status} ${over.value === status ? 'over' : ''}`}
      aria-label={`${status}, ${count}`}
      onDragOver={(event) => {
        if (!event.dataTransfer?.types.includes(KIND)) return;
        event.preventDefault();
        over.value = status;
      }}
      onDragLeave={(event) => {
        if (!event.currentTarget.contains(event.relatedTarget as Node | null)) over.value = undefined;
      }}
      onDrop={(event) => {
        event.preventDefault();
        over.value = undefined;
        const id = event.dataTransfer?.getData(KIND);
        if (id) void moveTask(id, status);
      }}
    >
      <h2>
        <i class={`dot ${status}`} />
        {status} <span class="count">{count}</span>
      </h2>
      <ul>
        {cards.map((task) => (
          <Card key={task.id} task={task} />
        ))}
        {count > cards.length && <li class="faint more">and {count - cards.length} more</li>}
      </ul>
    </section>
  );
}

function Card({ task }: { task: Task }) {
  const { id, title, priority, assignee, claim, status, blocked_reason, due, reviewer, subtasks, tags } = task;
  const blockers = openBlockers(task);
  const open = route.value.pane === 'task' && route.value.id === id;
  return (
    <li
      class={`card ${isMoving(id) ? 'moving' : ''}`}
      draggable
      onDragStart={(event) => {
        event.dataTransfer?.setData(KIND, id);
        if (event.dataTransfer) event.dataTransfer.effectAllowed = 'move';
      }}
    >
      <a href={hrefOf('task', id)} data-item={id} draggable={false} aria-current={open ? 'true' : undefined}>
        <span class="title" dir="auto">
          {priority && <bdi class={`priority ${priority.toLowerCase()}`}>{priority}</bdi>} {title}
        </span>
        {blockers.length > 0 && (
          <span class="why" dir="auto">
            waits for {blockers[0]?.title}
            {blockers.length > 1 && ` and ${blockers.length - 1} more`}
          </span>
        )}
        {status === 'blocked' && blockers.length === 0 && blocked_reason && (
          <span class="why" dir="auto">
            {blocked_reason}
          </span>
        )}
        <span class="line foot faint">
          {assignee ? (
            <>
              <Avatar name={assignee} size="s" />
              {status === 'validating' && reviewer ? (
                <span class="cut" dir="auto" title={`${reviewer} reviews it`}>
                  → {reviewer}
                </span>
              ) : (
                <span class="cut" dir="auto">
                  {assignee}
                </span>
              )}
            </>
          ) : (
            <span>nobody</span>
          )}
          {subtasks && (
            <span>
              {subtasks.done}/{subtasks.total}
            </span>
          )}
          {tags?.slice(0, 1).map((tag) => (
            <span key={tag} class="cut tag" dir="auto">
              {tag}
            </span>
          ))}
          <span class="push">
            {claim ? (
              <Until at={claim.expiresAt} whole={claim.ttl * 1_000} label={`${claim.agent} has it until`} />
            ) : due !== undefined && status !== 'done' ? (
              <span class={due < now.value ? 'until soon' : ''}>
                due {due < now.value ? <Ago at={due} /> : <Until at={due} whole={0} label="due" />}
              </span>
            ) : (
              <Ago at={task.updatedAt} />
            )}
          </span>
        </span>
      </a>
    </li>
  );
}
