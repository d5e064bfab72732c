import { parentPort } from 'node:worker_threads';
import type { ValidateFunction } from 'ajv';
import type { FieldError } from '../../kernel/errors.ts';
import { compile, faultsOf } from './schemas.ts';

/** A schema as JSON, and the value to be looked at; without one the schema alone is. */
export interface CheckJob {
  schema: string;
  value?: { is: unknown };
}

export type CheckAnswer = { ready: true } | { errors: FieldError[] } | { fault: string };

/** Compiled schemas remembered. */
const REMEMBERED = 300;
const compiled = new Map<string, ValidateFunction>();

function compiledOf(schema: string): ValidateFunction {
  const known = compiled.get(schema);
  if (known) return known;
  const made = compile(JSON.parse(schema));
  compiled.set(schema, made);
  const oldest = compiled.keys().next().value;
  if (compiled.size > REMEMBERED && oldest !== undefined) compiled.delete(oldest);
  return made;
}

function answer({ schema, value }: CheckJob): CheckAnswer {
  try {
    const validate = compiledOf(schema);
    if (value === undefined || validate(value.is)) return { errors: [] };
    return { errors: faultsOf(validate) };
  } catch (error) {
    return { fault: error instanceof Error ? error.message : String(error) };
  }
}

parentPort?.on('message', (job: CheckJob) => parentPort?.postMessage(answer(job)));
parentPort?.postMessage({ ready: true } satisfies CheckAnswer);
