/** A JSON Schema, as far as a form asks. */
export interface Schema {
  type?: string | readonly string[];
  enum?: readonly unknown[];
  const?: unknown;
  anyOf?: readonly Schema[];
  items?: Schema;
  description?: string;
  default?: unknown;
  maxLength?: number;
}

/** How a field is asked for: `list` is one to a line; `json` may be anything, text that is no JSON is text where `text` is taken. */
export type Kind = 'choice' | 'flag' | 'number' | 'text' | 'long' | 'list' | 'json';

/** What a field may be, without the nothing that it may also be. */
function alternatives(schema: Schema): readonly Schema[] {
  return (schema.anyOf ?? [schema]).filter(({ type }) => type !== 'null').flatMap((each) => each.anyOf ?? [each]);
}

/** What is chosen from, as the server takes it. */
export function choicesOf(schema: Schema): readonly string[] {
  return alternatives(schema)
    .flatMap((each) => each.enum ?? (each.const === undefined ? [] : [each.const]))
    .map(String);
}

const LONG = new Set(['content', 'description', 'comment', 'reason']);

/** How a form asks for a field of this schema. */
export function kindOf(name: string, schema: Schema): Kind {
  const all = alternatives(schema);
  const has = (type: string) => all.some((each) => each.type === type);
  if (has('boolean')) return 'flag';
  if (has('number') || has('integer')) return 'number';
  if (all.every((each) => each.enum !== undefined || each.const !== undefined)) return 'choice';
  if (all.some((each) => each.type === 'array' && each.items?.type === 'string') && !has('object')) return 'list';
  if (all.every((each) => each.type === 'string')) return LONG.has(name) ? 'long' : 'text';
  return 'json';
}

/** What a field says, as an operation takes it; undefined where nothing was given. Throws where it is no JSON and must be. */
export function readField(kind: Kind, schema: Schema, given: string): unknown {
  const text = given.trim();
  if (text === '') return undefined;
  switch (kind) {
    case 'number':
      return Number(text);
    case 'flag':
      return text === 'true';
    case 'list':
      return text
        .split('\n')
        .map((each) => each.trim())
        .filter(Boolean);
    case 'json':
      try {
        return JSON.parse(text);
      } catch {
        if (alternatives(schema).some(({ type }) => type === 'string' || type === undefined)) return given;
        throw new Error('This must be JSON.');
      }
    default:
      return kind === 'long' ? given : text;
  }
}
