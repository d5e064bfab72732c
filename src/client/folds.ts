import * as agents from '../capabilities/agents/state.ts';
import * as channels from '../capabilities/channels/state.ts';
import * as memory from '../capabilities/memory/state.ts';
import * as messages from '../capabilities/messages/state.ts';
import * as presence from '../capabilities/presence/state.ts';
import * as recurring from '../capabilities/recurring/state.ts';
import * as reservations from '../capabilities/reservations/state.ts';
import * as tasks from '../capabilities/tasks/state.ts';
import * as tools from '../capabilities/tools/state.ts';
import * as workflows from '../capabilities/workflows/state.ts';
import type { Entities } from '../kernel/collection.ts';
import type { Event } from '../kernel/event.ts';

/** What a replica holds: entities by id, as the server's own fold leaves them. */
export interface Collections {
  agents: agents.Agent;
  channels: channels.Channel;
  tasks: tasks.Task;
  presences: presence.Presence;
  workflows: workflows.Workflow;
  recurring: recurring.Recurring;
  reservations: reservations.Reservation;
  /** The newest, and those that are posted. */
  messages: messages.Message;
  /** The newest, and those that are written. */
  memories: memory.Memory;
  tools: tools.RegisteredTool;
}

export type CollectionName = keyof Collections;

/** A fold of the server's, and what it keeps that a replica shows. */
interface Fold {
  apply(state: never, event: Event): void;
  /** Makes what follows from an entity that a snapshot brought. */
  restore?(state: never, entity: never): void;
  keeps: CollectionName;
  /** The field that is the id of an entity. */
  id: string;
  /** Collections of its own that it reads and nobody else. */
  inner?: readonly string[];
  /** Its history is longer than a replica: the newest are held. */
  window?: true;
}

/** In the order of the capabilities: each sees what those before it have made of the event. */
export const FOLDS: readonly Fold[] = [
  { apply: agents.apply, keeps: 'agents', id: 'name' },
  { apply: channels.apply, keeps: 'channels', id: 'id' },
  { apply: tasks.apply, restore: tasks.restore, keeps: 'tasks', id: 'id', inner: ['task_dependents'] },
  { apply: presence.apply, keeps: 'presences', id: 'agent' },
  { apply: workflows.apply, keeps: 'workflows', id: 'name' },
  { apply: recurring.apply, keeps: 'recurring', id: 'id' },
  {
    apply: reservations.apply,
    restore: reservations.restore,
    keeps: 'reservations',
    id: 'id',
    inner: ['task_reservations'],
  },
  { apply: messages.apply, keeps: 'messages', id: 'id', window: true },
  { apply: memory.apply, keeps: 'memories', id: 'id', window: true },
  { apply: tools.apply, keeps: 'tools', id: 'name' },
];

/** A collection that is held nowhere: what a fold counts or looks up for the server alone. */
export const NOWHERE: Entities<object> = { get: () => undefined, put() {}, delete() {} };
