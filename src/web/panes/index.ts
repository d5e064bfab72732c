import type { ComponentType } from 'preact';

/** A pane: opened over the page by its address `#/<name>` or `#/<name>/<id>`, loaded when it is opened for the first time. */
export interface Pane {
  name: string;
  title: string;
  /** The keys that open it: `g m`. */
  keys?: string;
  load(): Promise<{ default: ComponentType<{ id: string | undefined }> }>;
}

/** The panes are one script: together they are smaller than each alone, and whoever opens one opens another. */
const all = () => import('./all.ts');

/** Every pane. Adding one: a file beside this one, its name in `all.ts`, and a line here. */
export const panes: readonly Pane[] = [
  { name: 'task', title: 'Task', load: () => all().then(({ Task }) => ({ default: Task })) },
  { name: 'agent', title: 'Agent', load: () => all().then(({ Agent }) => ({ default: Agent })) },
  { name: 'memory', title: 'Memory', keys: 'g m', load: () => all().then(({ Memory }) => ({ default: Memory })) },
  { name: 'catch-up', title: 'Catch up', keys: 'g u', load: () => all().then(({ CatchUp }) => ({ default: CatchUp })) },
  {
    name: 'analytics',
    title: 'Analytics',
    keys: 'g a',
    load: () => all().then(({ Analytics }) => ({ default: Analytics })),
  },
  { name: 'system', title: 'System', keys: 'g s', load: () => all().then(({ System }) => ({ default: System })) },
  { name: 'past', title: 'Time travel', keys: 'g t', load: () => all().then(({ Past }) => ({ default: Past })) },
];
