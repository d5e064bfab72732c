import type { Entities } from '../../kernel/collection.ts';
import type { Event } from '../../kernel/event.ts';

/** A task of a workflow. */
export interface Step {
  key: string;
  title: string;
  /** Keys of other steps. */
  blocked_by?: readonly string[] | undefined;
  parent?: string | undefined;
  /** Seconds from the start. */
  due_in?: number | undefined;
}

/** A named list of tasks with their dependencies. Times are milliseconds since 1970. */
export interface Workflow {
  name: string;
  description?: string;
  defaults?: Record<string, unknown> | undefined;
  tasks: readonly Step[];
  createdBy: string;
  createdAt: number;
  updatedAt: number;
  /** How often it was started. */
  started: number;
  /** The event that last changed it. */
  seq: number;
}

export interface WorkflowsState {
  workflows: Entities<Workflow>;
}

/** Folds workflows. */
export function apply(state: WorkflowsState, event: Event): void {
  const name = event.subject as string;
  const before = event.type.startsWith('workflow_') ? state.workflows.get(name) : undefined;
  switch (event.type) {
    case 'workflow_saved':
      state.workflows.put(name, {
        ...(event.data as unknown as Pick<Workflow, 'name' | 'tasks'>),
        createdBy: before?.createdBy ?? event.actor,
        createdAt: before?.createdAt ?? event.at,
        updatedAt: event.at,
        started: before?.started ?? 0,
        seq: event.seq,
      });
      break;
    case 'workflow_started':
      if (before) state.workflows.put(name, { ...before, started: before.started + 1 });
      break;
    case 'workflow_deleted':
      state.workflows.delete(name);
      break;
  }
}
