import { agents } from '../../src/capabilities/agents/index.ts';
import { recurring } from '../../src/capabilities/recurring/index.ts';
import { tasks } from '../../src/capabilities/tasks/index.ts';
import { Refusal } from '../../src/kernel/errors.ts';
import { type Decision, given, type Scene } from './given.ts';

/** Capabilities that have to do with what recurs. */
export const table = [agents, tasks, recurring];

/** A scene in which this recurs, made by link, and its id. */
export function recurs(fields: object, before: Scene = given(table)): { scene: Scene; id: string } {
  const decision = before.when('recurring.create', { title: 'Sweep', createdBy: 'link', ...fields });
  return { scene: decision.after, id: decision.answer.recurring.id };
}

/** The scene once everything is done that is due. */
export function settled(scene: Scene): Scene {
  for (let at = scene; ; ) {
    try {
      at = at.whenDue().after;
    } catch (error) {
      if ((error as Error).message !== 'nothing is due') throw error;
      return at;
    }
  }
}

/** Claims that a decision is a refusal of the input; answers the places that it names. */
export function faultyFields(decision: Decision): string[] {
  decision.thenRefused('invalid_input');
  try {
    void decision.events;
  } catch (error) {
    if (error instanceof Refusal) return [...new Set(error.options.errors?.map(({ pointer }) => pointer))];
  }
  return [];
}
