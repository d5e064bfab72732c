import { Refusal } from '../../kernel/errors.ts';
import { cycleOf, findCycle } from '../tasks/index.ts';
import type { Step } from './state.ts';

/** Throws where steps are no graph of tasks: `invalid_input` for a key that is there twice or not at all, `dependency_cycle`. */
export function requireGraph(steps: readonly Step[]): void {
  const byKey = new Map(steps.map((step) => [step.key, step]));
  const errors = steps.flatMap((step, i) => {
    const twice = byKey.get(step.key) !== step;
    const unknown = [...(step.blocked_by ?? []), ...(step.parent === undefined ? [] : [step.parent])].filter(
      (key) => !byKey.has(key),
    );
    return [
      ...(twice ? [{ pointer: `/tasks/${i}/key`, detail: `"${step.key}" is there twice` }] : []),
      ...unknown.map((key) => ({ pointer: `/tasks/${i}`, detail: `there is no step "${key}"` })),
    ];
  });
  if (errors.length > 0)
    throw new Refusal(
      'invalid_input',
      errors.map(({ pointer, detail }) => `${pointer.slice(1)}: ${detail}`).join('; '),
      {
        errors,
      },
    );
  for (const step of steps) {
    const waits = findCycle(step.key, step.blocked_by ?? [], (key) => byKey.get(key)?.blocked_by ?? []);
    if (waits) throw cycleOf(waits, 'tasks');
    const parts = findCycle(step.key, parentOf(step), (key) => parentOf(byKey.get(key)));
    if (parts) throw cycleOf(parts, 'tasks');
  }
}

function parentOf(step: Step | undefined): readonly string[] {
  return step?.parent === undefined ? [] : [step.parent];
}

/** The steps with every parent before its parts. */
export function parentsFirst(steps: readonly Step[]): Step[] {
  const byKey = new Map(steps.map((step) => [step.key, step]));
  const ordered = new Set<Step>();
  const add = (step: Step | undefined): void => {
    if (step === undefined || ordered.has(step)) return;
    if (step.parent !== undefined) add(byKey.get(step.parent));
    ordered.add(step);
  };
  for (const step of steps) add(step);
  return [...ordered];
}
