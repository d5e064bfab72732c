import { delimiter, resolve } from 'node:path';
import { z } from 'zod';
import type { Durability } from './kernel/journal/durability.ts';

/** A whole number between two bounds, from text. */
function numeric(min: number, max: number) {
  const complaint = `a whole number from ${min} to ${max}`;
  return z
    .string()
    .regex(/^\d{1,9}$/, complaint)
    .transform(Number)
    .pipe(z.number().min(min, complaint).max(max, complaint));
}

/** Comma-separated text as a list. */
const list = z.string().transform((text) =>
  text
    .split(',')
    .map((item) => item.trim())
    .filter(Boolean),
);

/** A yes or no. */
const flag = z.enum(['1', '0', 'true', 'false'], '1 or 0').transform((text) => text === '1' || text === 'true');

/** Folders, separated as in PATH. */
const folders = z.string().transform((text) =>
  text
    .split(delimiter)
    .filter((path) => path.trim() !== '')
    .map((path) => resolve(path.trim())),
);

const LOOPBACK = /^(?:127(?:\.(?:25[0-5]|2[0-4]\d|1?\d?\d)){3}|::1|localhost)$/;
const LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
const HOST_NAME = /^[a-z0-9.-]+(?::\d{1,5})?$/i;

const DurabilitySetting = z
  .string()
  .regex(/^(?:always|interval:[1-9]\d{0,5})$/, '`always` or `interval:<milliseconds>`')
  .transform(
    (text): Durability =>
      text === 'always' ? { mode: 'always' } : { mode: 'interval', ms: Number(text.slice('interval:'.length)) },
  );

/** Where an API is: nothing in it that belongs into another setting, or that would be cut off. */
function isApiAddress(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, username, password, search, hash } = new URL(text);
  return /^https?:$/.test(protocol) && username + password + search + hash === '';
}

function isOrigin(text: string): boolean {
  return URL.canParse(text) && new URL(text).origin === text;
}

/** Every setting by its name in the environment, with its default as text. `.env.example` is generated from this. */
export const Settings = z.object({
  PORT: numeric(0, 65_535).prefault('4445').describe('Port to listen on; 0 takes a free one.'),
  HOST: z
    .string()
    .regex(
      LOOPBACK,
      'only loopback addresses (127.0.0.1, ::1, localhost): the server has no tokens yet, so anybody who reached it could read and write',
    )
    .prefault('127.0.0.1')
    .describe('Address to listen on; loopback only.'),
  DATA_DIR: z.string().prefault('./data').describe('Where the journal and the index are.'),
  LOG_LEVEL: z
    .enum(LEVELS, `one of ${LEVELS.join(', ')}`)
    .prefault('info')
    .describe(`How much is logged, one of ${LEVELS.join(', ')}; debug logs every request.`),
  DURABILITY: DurabilitySetting.prefault('always').describe(
    '`always`: an answer means it is on the disk. `interval:<ms>`: a power cut may take the last <ms>.',
  ),
  ALLOWED_HOSTS: list
    .pipe(z.array(z.string().regex(HOST_NAME, 'host names, with a port where it is not PORT')))
    .prefault('')
    .describe(
      'Further names by which clients reach the server, comma-separated, with a port where it is another than PORT.',
    ),
  ALLOWED_ORIGINS: list
    .pipe(z.array(z.string().refine(isOrigin, 'origins such as https://example.org, without a path')))
    .prefault('')
    .describe('Web pages that may call the server, comma-separated: https://example.org'),
  STREAM_STALL_SECONDS: numeric(1, 3_600)
    .prefault('30')
    .describe('Seconds after which a stream whose reader takes nothing is ended.'),
  MAX_STREAMS: numeric(1, 999_999).prefault('5000').describe('Open WebSockets and event streams at most.'),
  TASK_LEASE_SECONDS: numeric(1, 86_400)
    .prefault('900')
    .describe('Seconds that a claim lasts, unless it says otherwise, after the last sign of its holder.'),
  TASK_MAX_FAILED_RUNS: numeric(1, 1_000)
    .prefault('3')
    .describe('Failed runs after which a task is blocked until a person looks at it.'),
  PRESENCE_IDLE_SECONDS: numeric(1, 86_400)
    .prefault('300')
    .describe(
      'Seconds after the last act of an agent after which it is idle, and what it said of itself is forgotten.',
    ),
  PRESENCE_OFFLINE_SECONDS: numeric(1, 86_400)
    .prefault('900')
    .describe('Seconds after the last sign of an agent, or of its last stream, after which it is offline.'),
  LOOP_GUARD_EXCHANGES: numeric(0, 100)
    .prefault('20')
    .describe('Times that two agents may answer each other where nobody else speaks before they must wait; 0: any.'),
  LOOP_GUARD_SECONDS: numeric(1, 3_600).prefault('60').describe('Seconds in which these are counted.'),
  OPENCLAW_WORKSPACE: z
    .string()
    .prefault('')
    .describe(
      'Where agents’ memories are put as well, for OpenClaw to read: `~/.openclaw/workspace-{agent}`. `{agent}` stands for a name; without it, each agent has a directory below. Empty: nowhere.',
    ),
  MCP_LEGACY_TOOLS: flag
    .prefault('0')
    .describe('1: MCP hosts are also shown the tools of the first reflectt-node; they answer in any case.'),
  MCP_CONFORMANCE: flag
    .prefault('0')
    .describe('1: MCP hosts are also shown what the public conformance suite looks for; for tests alone.'),
  EMBEDDINGS: z
    .enum(['auto', 'minilm', 'openai', 'none'], 'one of auto, minilm, openai, none')
    .prefault('auto')
    .describe(
      'The model by which texts are found by meaning. `minilm`: on this machine, without any network. `openai`: any endpoint that speaks as OpenAI’s does, at EMBEDDINGS_URL. `none`: words alone. `auto`: `openai` where EMBEDDINGS_URL is set, else `minilm` where its packages are installed.',
    ),
  EMBEDDINGS_URL: z
    .string()
    .refine(isApiAddress, 'the address of an API, such as http://127.0.0.1:11434/v1, without a user, `?` or `#`')
    .optional()
    .describe('Address of the API whose `/embeddings` is asked. What is embedded is sent there.'),
  EMBEDDINGS_MODEL: z
    .string()
    .regex(/^[\x21-\x7e]{1,200}$/, '1 to 200 letters without spaces')
    .optional()
    .describe('Name of the model at EMBEDDINGS_URL.'),
  EMBEDDINGS_API_KEY: z
    .string()
    .regex(/^[\x21-\x7e]{1,4000}$/, 'printable ASCII letters without spaces')
    .optional()
    .describe('Key for EMBEDDINGS_URL, sent as a bearer token; none where it asks for none.'),
  EMBEDDINGS_DIM: numeric(1, 8_192)
    .optional()
    .describe('Numbers of a vector, for models that give a choice; as many as the model gives where empty.'),
  EMBED_MESSAGES: flag
    .prefault('0')
    .describe('1: every message is found by meaning, and not those of #decisions alone. It costs time and memory.'),
  TOOLS_DIR: folders
    .prefault('')
    .describe('Folders of tools, separated by `:` (`;` on Windows), for example ./tools; empty: none is run here.'),
  TOOL_TIMEOUT_SECONDS: numeric(1, 600)
    .prefault('30')
    .describe('Seconds that a call of a tool may take, unless it says otherwise.'),
  TOOL_CONCURRENCY: numeric(1, 256)
    .prefault('8')
    .describe('Tools of folders that run at once, each in a process of its own; further calls wait in turn.'),
  TOOL_MEMORY_MB: numeric(32, 65_536)
    .prefault('256')
    .describe('Memory of a tool in MiB: its heap; all of its process may have 128 more.'),
  TOOL_ENV: list
    .pipe(z.array(z.string().regex(/^[A-Za-z_]\w*$/, 'names of variables, comma-separated')))
    .prefault('')
    .describe('Variables of the environment that tools of folders get, by name, comma-separated; no others.'),
  TOOL_MAY_START_PROCESSES: flag
    .prefault('0')
    .describe('1: tools of folders may start programs, which then nothing keeps in their space.'),
  TOOL_ENDPOINT_HOSTS: list
    .pipe(z.array(z.string().regex(HOST_NAME, 'host names, with a port where only that one is meant')))
    .prefault('')
    .describe('Hosts beside this machine to which calls of tools may be sent that agents bring, comma-separated.'),
  SEGMENT_MIB: numeric(1, 1_024)
    .prefault('64')
    .describe('Size of a journal file in MiB after which the next one begins.'),
});

export type Config = z.output<typeof Settings>;

/** What may hold a secret is not repeated in a complaint. */
const NOT_SHOWN = new Set(['EMBEDDINGS_API_KEY', 'EMBEDDINGS_URL']);

/** What is wrong with settings together that are right each for itself, by the setting to change. */
function conflicts(config: Config): [name: string, complaint: string][] {
  const { EMBEDDINGS: choice, EMBEDDINGS_URL: url, EMBEDDINGS_MODEL: model } = config;
  if (choice === 'openai' && url === undefined)
    return [['EMBEDDINGS_URL', 'is needed where EMBEDDINGS=openai: the address of the API, without `/embeddings`']];
  if (choice !== 'openai' && choice !== 'auto') return [];
  if (url !== undefined && model === undefined)
    return [['EMBEDDINGS_MODEL', 'is needed where EMBEDDINGS_URL is set: the name of a model there']];
  const idle = (['EMBEDDINGS_MODEL', 'EMBEDDINGS_API_KEY', 'EMBEDDINGS_DIM'] as const).find((name) => config[name]);
  return url === undefined && idle !== undefined ? [[idle, 'says nothing without EMBEDDINGS_URL']] : [];
}

/** A setting has a value that it cannot have. */
export class InvalidSettings extends Error {
  constructor(problems: string[]) {
    super(
      `The settings are wrong:\n${problems.map((problem) => `  ${problem}`).join('\n')}\nSee .env.example for every setting.`,
    );
    this.name = 'InvalidSettings';
  }
}

/** Reads the settings from an environment. An empty value means the default. Throws {@link InvalidSettings}. */
export function readConfig(environment: Record<string, string | undefined>): Config {
  const given = Object.fromEntries(Object.keys(Settings.shape).map((name) => [name, environment[name] || undefined]));
  const result = Settings.safeParse(given);
  const problems = result.success
    ? conflicts(result.data)
    : result.error.issues.map(({ path, message }) => [String(path[0]), message] as const);
  if (result.success && problems.length === 0) return result.data;
  const shown = (name: string) =>
    given[name] === undefined || NOT_SHOWN.has(name) ? name : `${name}="${given[name]}"`;
  throw new InvalidSettings(problems.map(([name, complaint]) => `${shown(name)}: ${complaint}`));
}
