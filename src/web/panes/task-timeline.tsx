import type { Output } from '../../client/index.ts';
import { wholeOf } from '../clock.ts';
import { Ago } from '../ticking.tsx';
import { AgentLink, lasting } from './parts.tsx';

type Entry = Output<'tasks.history'>['history'][number];
type Run = Output<'tasks.runs'>['runs'][number];

/** Entries that are shown at first: the newest. */
const MOST = 200;

/** What became of a task, oldest first: who, what, from what to what. */
export function Timeline({ entries, more }: { entries: readonly Entry[]; more: boolean }) {
  const shown = entries.slice(-MOST);
  return (
    <>
      {(more || shown.length < entries.length) && (
        <p class="faint small">
          The {shown.length} newest of {more ? 'more than ' : ''}
          {entries.length}.
        </p>
      )}
      <ol class="timeline">
        {shown.map((entry) => (
          <li key={entry.seq} class={`of-${entry.type}`}>
            <p>
              <AgentLink name={entry.actor} /> {said(entry.type)}
              <span class="faint when">
                <Ago at={entry.at} />
              </span>
            </p>
            <Changes changes={entry.changes} />
            {entry.note && (
              <p class="note" dir="auto">
                {entry.note}
              </p>
            )}
          </li>
        ))}
      </ol>
    </>
  );
}

/** `task_moved_on` → `moved on` */
const said = (type: string) => type.replace(/^task_/, '').replaceAll('_', ' ');

function Changes({ changes }: { changes: Entry['changes'] }) {
  const all = Object.entries(changes);
  if (all.length === 0) return null;
  return (
    <ul class="changes faint">
      {all.map(([field, { from, to }]) => (
        <li key={field} dir="auto">
          {field} {from !== undefined && <s>{brief(from)}</s>}
          {from !== undefined && to !== undefined && ' → '}
          {to !== undefined && <b>{brief(to)}</b>}
        </li>
      ))}
    </ul>
  );
}

function brief(value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return text.length > 80 ? `${text.slice(0, 79)}…` : text;
}

/** The attempts at a task, newest first. */
export function Runs({ runs }: { runs: readonly Run[] }) {
  if (runs.length === 0) return <p class="faint small">Nobody has begun it. Who claims it begins a run.</p>;
  return (
    <ol class="runs">
      {runs
        .slice(-MOST)
        .reverse()
        .map(({ generation, agent, start, end, outcome, reason }) => (
          <li key={generation}>
            <span class="count">{generation}</span>
            <span class="line">
              <AgentLink name={agent} />
              <span class={`outcome ${outcome ?? 'running'}`}>{(outcome ?? 'at it').replaceAll('_', ' ')}</span>
              <span class="faint push" title={wholeOf(start)}>
                {end === undefined ? <Ago at={start} /> : lasting(end - start)}
              </span>
            </span>
            {reason && (
              <span class="faint" dir="auto">
                {reason}
              </span>
            )}
          </li>
        ))}
    </ol>
  );
}
