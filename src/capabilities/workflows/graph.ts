import { type FieldError, Refusal } from '../../kernel/errors.ts';
import { cycleOf, findCycle } from '../tasks/index.ts';
import type { Step } from './state.ts';

/** Throws where steps are no graph of tasks: `invalid_input` for a key that is there twice or not at all, `dependency_cycle`. */
export function requireGraph(steps: readonly Step[]): void {
  const errors = keyErrors(steps);
  if (errors.length > 0)
    throw new Refusal(
      'invalid_input',
      errors.map(({ pointer, detail }) => `${pointer.slice(1)}: ${detail}`).join('; '),
      { errors },
    );
  const byKey = new Map(steps.map((step) => [step.key, step]));
  for (const step of steps) {
    const waits = findCycle(step.key, step.blocked_by ?? [], (key) => byKey.get(key)?.blocked_by ?? []);
    if (waits) throw cycleOf(waits, 'tasks');
    const parts = findCycle(step.key, parentOf(step), (key) => parentOf(byKey.get(key)));
    if (parts) throw cycleOf(parts, 'tasks');
  }
}

function keyErrors(steps: readonly Step[]): FieldError[] {
  const keys = new Set(steps.map(({ key }) => key));
  const seen = new Set<string>();
  return steps.flatMap(({ key, blocked_by = [], parent }, i) => {
    const errors: FieldError[] = [];
    if (seen.has(key)) errors.push({ pointer: `/tasks/${i}/key`, detail: `"${key}" is there twice` });
    seen.add(key);
    const require = (other: string, field: string) => {
      if (!keys.has(other)) errors.push({ pointer: `/tasks/${i}/${field}`, detail: `there is no step "${other}"` });
    };
    for (const [n, other] of blocked_by.entries()) require(other, `blocked_by/${n}`);
    if (parent !== undefined) require(parent, 'parent');
    return errors;
  });
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
