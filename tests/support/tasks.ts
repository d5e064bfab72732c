import { agents } from '../../src/capabilities/agents/index.ts';
import { channels } from '../../src/capabilities/channels/index.ts';
import { messages } from '../../src/capabilities/messages/index.ts';
import { tasks } from '../../src/capabilities/tasks/index.ts';
import type { ErrorCode } from '../../src/kernel/errors.ts';
import { type Decision, given, type Past, type Scene } from './given.ts';
import type { Json } from './node.ts';

/** Capabilities that have to do with tasks. */
export const table = [agents, channels, tasks, messages];

/** What was created, as an event of the past: `todo`, by link, unless it says otherwise. */
export function created(id: string, more: object = {}): Past {
  const data = {
    id,
    title: `Title of ${id}`,
    status: 'todo',
    createdBy: 'link',
    createdAt: 10,
    updatedAt: 10,
    ...more,
  };
  return { type: 'task_created', actor: data.createdBy, subject: id, data };
}

/** A board with these tasks. */
export function board(...tasks: (string | [id: string, more: object])[]): Scene {
  return given(table, ...tasks.map((task) => (typeof task === 'string' ? created(task) : created(...task))));
}

/** The scene after commands that are done one after another, each `[operation, input, actor?]`. */
export function play(
  scene: Scene,
  ...commands: [operation: string, input: Record<string, unknown>, actor?: string][]
): Scene {
  return commands.reduce((before, [operation, ...rest]) => before.when(`tasks.${operation}`, ...rest).after, scene);
}

/** A task after somebody claimed it, and the claim. */
export function claimed(scene: Scene, id: string, agent: string, more: object = {}): { scene: Scene; claim: Json } {
  const decision = scene.when('tasks.claim', { id, agent, ...more });
  return { scene: decision.after, claim: decision.answer.claim };
}

/** Claims that a decision is a refusal; answers what it says beside its code. */
export function refusal(decision: Decision, code: ErrorCode): Json {
  decision.thenRefused(code);
  try {
    void decision.events;
  } catch (refused) {
    return (refused as Json).options.extra;
  }
}
