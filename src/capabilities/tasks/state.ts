import type { Entities } from '../../kernel/collection.ts';
import type { Event } from '../../kernel/event.ts';

/** Work that somebody is to do. Times are milliseconds since 1970. */
export interface Task {
  id: string;
  title: string;
  description?: string;
  status: 'todo' | 'doing' | 'blocked' | 'validating' | 'done';
  assignee?: string;
  createdBy: string;
  createdAt: number;
  updatedAt: number;
  priority?: 'P0' | 'P1' | 'P2' | 'P3';
  blocked_by?: string[];
  epic_id?: string;
  tags?: string[];
  metadata?: Record<string, unknown>;
}

export interface TasksState {
  tasks: Entities<Task>;
}

/** Folds tasks. */
export function apply(state: TasksState, event: Event): void {
  if (event.type !== 'task_created') return;
  const task = event.data as unknown as Task;
  state.tasks.put(task.id, task);
}
