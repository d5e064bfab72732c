import { readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { JsonSchema, ToolStatus } from '../../kernel/toolbox.ts';
import { requireSchema } from '../check/schemas.ts';

/** A tool as its folder has it. */
export interface Definition {
  category: string;
  /** The name that it wants. */
  wants: string;
  description: string;
  input_schema: JsonSchema;
  output_schema?: JsonSchema;
  /** The file that does it. */
  file: string;
  /** Exports that may be the function, beside `default`. */
  functions: string[];
  /** Variables of the environment without which it cannot run. */
  env: string[];
  folder: string;
  /** What is wrong; the first counts. */
  faults: { status: Exclude<ToolStatus, 'ready'>; reason: string }[];
}

/** Characters of a name that a tool may have. */
const NAME = /^[A-Za-z0-9_][\w.:-]{0,127}$/;
const ENV_NAME = /^[A-Za-z_]\w{0,127}$/;
const MAX_BYTES = 256 * 1024;
const FILES = /^(?:implementation|handler)\.(?:ts|mts|js|mjs|cjs)$/;
const ORDER = ['implementation.ts', 'implementation.js', 'implementation.mjs'];

/** Folders in a folder, sorted; hidden ones and packages are none. Throws what the file system says. */
function foldersIn(path: string): string[] {
  return readdirSync(path)
    .filter((name) => !name.startsWith('.') && name !== 'node_modules')
    .map((name) => join(path, name))
    .filter((each) => statSync(each, { throwIfNoEntry: false })?.isDirectory())
    .sort();
}

/** The folders of a folder of tools, and below them those that may hold one: `<category>/<tool>`. Throws where it cannot be read. */
export function listFolders(root: string): { all: string[]; tools: string[] } {
  const categories = foldersIn(root);
  const tools = categories.flatMap(tryFolders);
  return { all: [root, ...categories, ...tools], tools };
}

function tryFolders(path: string): string[] {
  try {
    return foldersIn(path);
  } catch {
    return [];
  }
}

/** What a folder has in `definition.json`; undefined where there is none. */
export function readDefinition(folder: string): Definition | undefined {
  const blank: Definition = {
    category: safeName(basename(dirname(folder))),
    wants: safeName(basename(folder)),
    description: '',
    input_schema: { type: 'object' },
    file: '',
    functions: [],
    env: [],
    folder,
    faults: [],
  };
  const invalid = (reason: string) => blank.faults.push({ status: 'invalid', reason });
  let json: Record<string, unknown> | undefined;
  let files: string[] = [];
  try {
    const names = readdirSync(folder);
    if (!names.includes('definition.json')) return undefined;
    files = names.filter((name) => FILES.test(name)).sort();
    json = parse(join(folder, 'definition.json'));
  } catch (error) {
    invalid(`definition.json: ${(error as Error).message}`);
  }
  if (json) take(blank, json, invalid);
  if (!NAME.test(blank.wants)) {
    invalid(`"${blank.wants.slice(0, 80)}" is no name: letters, digits, _ . : - and at most 128`);
    blank.wants = safeName(basename(folder));
  }
  const chosen = ORDER.find((name) => files.includes(name)) ?? files[0];
  if (chosen === undefined) invalid('there is no implementation.ts, .js or .mjs, and no handler.*');
  else blank.file = join(folder, chosen);
  return blank;
}

function parse(file: string): Record<string, unknown> {
  if (statSync(file).size > MAX_BYTES) throw new Error(`it is larger than ${MAX_BYTES / 1024} KiB`);
  const json: unknown = JSON.parse(readFileSync(file, 'utf8'));
  if (json === null || typeof json !== 'object' || Array.isArray(json)) throw new Error('it is no JSON object');
  return json as Record<string, unknown>;
}

/** Reads both dialects: `input_schema`, or `parameters` with `id` and `function_name`. */
function take(tool: Definition, json: Record<string, unknown>, invalid: (reason: string) => void): void {
  const names = [json.id, json.function_name, json.name].filter((name) => typeof name === 'string' && name !== '');
  if (names.length === 0) invalid('it has no name');
  else tool.wants = String(names[0]);
  tool.functions = [...new Set([json.function_name, ...names].filter((name) => typeof name === 'string'))] as string[];
  if (typeof json.category === 'string' && NAME.test(json.category)) tool.category = json.category;
  if (typeof json.description === 'string') tool.description = json.description.slice(0, 4_000);
  const input = json.input_schema ?? json.parameters;
  const which = json.input_schema === undefined ? 'parameters' : 'input_schema';
  if (input !== undefined) takeSchema(input, which, invalid, (schema) => (tool.input_schema = schema));
  if (json.output_schema !== undefined)
    takeSchema(json.output_schema, 'output_schema', invalid, (schema) => (tool.output_schema = schema));
  tool.env = envOf(json).filter((name) => ENV_NAME.test(name));
}

function takeSchema(
  schema: unknown,
  name: string,
  invalid: (reason: string) => void,
  put: (schema: JsonSchema) => void,
): void {
  if (schema === null || typeof schema !== 'object' || Array.isArray(schema)) {
    invalid(`${name} is no JSON Schema: it must be an object`);
    return;
  }
  try {
    requireSchema(schema as JsonSchema);
    put(schema as JsonSchema);
  } catch (error) {
    invalid(`${name} is no JSON Schema: ${(error as Error).message}`);
  }
}

/** Variables that a definition says it needs, in the words that are in use for it. */
function envOf(json: Record<string, unknown>): string[] {
  const requires = json.requires as { env?: unknown } | undefined;
  const lists = [json.required_env, json.requires_env, json.env, requires?.env];
  return lists.flatMap((list) => (Array.isArray(list) ? list : [])).filter((name) => typeof name === 'string');
}

/** A name that can be called, made of any. */
function safeName(text: string): string {
  const name = text.replace(/[^\w.:-]/g, '_').slice(0, 60);
  return NAME.test(name) ? name : `_${name}`;
}
