import type { Schema } from './schema-field.ts';

export interface Field {
  name: string;
  schema: Schema;
  required: boolean;
}

/** An operation as the server describes it. */
export interface Operation {
  name: string;
  summary: string;
  kind: 'query' | 'command';
  fields: readonly Field[];
}

interface Described {
  operationId: string;
  summary: string;
  parameters?: readonly { name: string; in: string; required?: boolean; schema: Schema }[];
  requestBody?: {
    content: { 'application/json': { schema: { properties?: Record<string, Schema>; required?: readonly string[] } } };
  };
}

let known: Promise<readonly Operation[]> | undefined;

/** Every operation of the server, in the order of its table; asked for once. */
export function everyOperation(): Promise<readonly Operation[]> {
  known ??= ask().catch((error: unknown) => {
    known = undefined;
    throw error;
  });
  return known;
}

async function ask(): Promise<readonly Operation[]> {
  const answer = await fetch('/openapi.json');
  if (!answer.ok) throw new Error(`the description of the server: ${answer.status}`);
  const { paths } = (await answer.json()) as { paths: Record<string, Record<string, Described>> };
  // A second route of an operation has a number behind its name.
  return Object.values(paths)
    .flatMap((methods) => Object.values(methods))
    .filter(({ operationId }) => /^[^.]+\.[^.]+$/.test(operationId))
    .map(operationOf);
}

function operationOf({ operationId, summary, parameters = [], requestBody }: Described): Operation {
  const body = requestBody?.content['application/json'].schema;
  return {
    name: operationId,
    summary,
    kind: parameters.some(({ name }) => name === 'Idempotency-Key') ? 'command' : 'query',
    fields: [
      ...parameters
        .filter((each) => each.in !== 'header')
        .map(({ name, schema, required = false }) => ({ name, schema, required })),
      ...Object.entries(body?.properties ?? {}).map(([name, schema]) => ({
        name,
        schema,
        required: body?.required?.includes(name) ?? false,
      })),
    ],
  };
}

/** Operations that have all the words, those whose name begins with them first. */
export function matching<T extends { name: string; summary: string }>(all: readonly T[], text: string): readonly T[] {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return all;
  const rank = (name: string) => {
    const at = name.toLowerCase().indexOf(words[0] as string);
    return at === -1 ? 3 : at === 0 ? 0 : name[at - 1] === '.' ? 1 : 2;
  };
  return all
    .filter(({ name, summary }) => words.every((word) => `${name} ${summary}`.toLowerCase().includes(word)))
    .map((each, i) => ({ each, i, rank: rank(each.name) }))
    .sort((a, b) => a.rank - b.rank || a.i - b.i)
    .map(({ each }) => each);
}
