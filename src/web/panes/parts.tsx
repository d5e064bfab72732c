import type { ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { hrefOf } from '../route.ts';
import { live } from '../store.ts';

/** A part of a pane under a heading. */
export function Part({
  title,
  count,
  actions,
  children,
}: {
  title: string;
  count?: number | string | undefined;
  actions?: ComponentChildren;
  children: ComponentChildren;
}) {
  return (
    <section class="part" aria-label={title}>
      <h3>
        {title}
        {count !== undefined && <span class="count"> {count}</span>}
        {actions && <span class="push">{actions}</span>}
      </h3>
      {children}
    </section>
  );
}

/** Names and what they are; those that are nothing are left out. */
export function Facts({ of }: { of: readonly (readonly [string, ComponentChildren])[] }) {
  return (
    <dl class="facts">
      {of
        .filter(([, value]) => value !== undefined && value !== '' && value !== null && value !== false)
        .map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd dir="auto">{value}</dd>
          </div>
        ))}
    </dl>
  );
}

export function AgentLink({ name }: { name: string }) {
  return (
    <a class="meant" href={hrefOf('agent', name)} dir="auto">
      {name}
    </a>
  );
}

/** A task by its title where it is known, with where it stands. */
export function TaskLink({ id, title }: { id: string; title?: string | undefined }) {
  const task = live.tasks.value.get(id);
  return (
    <a class="task-link" href={hrefOf('task', id)}>
      {task && (
        <>
          <i class={`dot ${task.status}`} aria-hidden="true" />
          <span class="sr">{task.status}: </span>
        </>
      )}
      <span dir="auto">{task?.title ?? title ?? id}</span>
    </a>
  );
}

/** How much of a whole, as a bar; the number stands beside it for who does not see it. */
export function Bar({ part, whole, kind = '' }: { part: number; whole: number; kind?: string }) {
  const width = whole > 0 ? Math.max((part / whole) * 100, part > 0 ? 1 : 0) : 0;
  return (
    <svg class={`bar ${kind}`} viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">
      <rect class="track" width="100" height="8" />
      <rect class="part" width={Math.min(width, 100)} height="8" />
    </svg>
  );
}

/** Calls `run` whenever `key` has changed: a while after, and once for all that changes until then. */
export function useSoon(run: () => void, key: string, ms: number): void {
  const latest = useRef(run);
  latest.current = run;
  const seen = useRef(key);
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  useEffect(() => {
    if (seen.current === key) return;
    seen.current = key;
    timer.current ??= setTimeout(() => {
      timer.current = undefined;
      latest.current();
    }, ms);
  }, [key]);
  useEffect(() => () => clearTimeout(timer.current), []);
}

const UNITS = ['B', 'kB', 'MB', 'GB', 'TB'];

/** `4.1 MB` */
export function bytes(n: number): string {
  const power = n < 1_000 ? 0 : Math.min(Math.floor(Math.log10(n) / 3), UNITS.length - 1);
  const value = n / 1_000 ** power;
  return `${power === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${UNITS[power]}`;
}

/** How long something takes: `840 ms`, `4.2 s`, `12 min`, `3.5 h`, `2.1 d`. */
export function lasting(ms: number): string {
  if (ms < 1_000) return `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`;
  const steps: readonly (readonly [number, string])[] = [
    [86_400_000, 'd'],
    [3_600_000, 'h'],
    [60_000, 'min'],
    [1_000, 's'],
  ];
  const [size, unit] = steps.find(([each]) => ms >= each) as readonly [number, string];
  const value = ms / size;
  return `${value >= 10 ? Math.round(value) : value.toFixed(1)} ${unit}`;
}

const whole = new Intl.NumberFormat('en');

/** `12,345` */
export const counted = (n: number) => whole.format(n);
