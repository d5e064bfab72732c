import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, existsSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { expect, test } from 'vitest';
import { InvalidSettings, readConfig } from '../src/config.ts';
import { temporaryDirectory } from './support/directory.ts';
import { ROOT } from './support/source.ts';

/** Starts the server as a process that is expected to refuse, with a working directory of its own. */
async function refused(env: Record<string, string>, cwd: string): Promise<{ code: number | null; output: string }> {
  const child = spawn(process.execPath, ['--import', import.meta.resolve('tsx'), join(ROOT, 'src/main.ts')], {
    cwd,
    env: { PATH: process.env.PATH, PORT: '0', DATA_DIR: join(cwd, 'data'), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 15_000,
  });
  let output = '';
  child.stdout.on('data', (data: Buffer) => (output += data.toString()));
  child.stderr.on('data', (data: Buffer) => (output += data.toString()));
  await once(child, 'close');
  return { code: child.exitCode, output };
}

const WRONG: [name: string, value: string][] = [
  ['PORT', '70000'],
  ['PORT', 'http'],
  ['HOST', '0.0.0.0'],
  ['HOST', '192.168.1.5'],
  ['HOST', '127.0.0.300'],
  ['HOST', '::'],
  ['LOG_LEVEL', 'quiet'],
  ['DURABILITY', 'never'],
  ['DURABILITY', 'interval:0'],
  ['ALLOWED_HOSTS', 'two words'],
  ['ALLOWED_HOSTS', 'http://example.org'],
  ['ALLOWED_ORIGINS', 'example.org'],
  ['ALLOWED_ORIGINS', 'https://example.org/path'],
  ['ALLOWED_ORIGINS', '*'],
  ['ALLOWED_ORIGINS', 'null'],
  ['STREAM_STALL_SECONDS', '0'],
  ['STREAM_STALL_SECONDS', '1.5'],
  ['MAX_STREAMS', '-1'],
  ['TASK_LEASE_SECONDS', '0'],
  ['TASK_MAX_FAILED_RUNS', 'many'],
  ['LOOP_GUARD_EXCHANGES', '101'],
  ['LOOP_GUARD_SECONDS', '0'],
  ['TOOL_TIMEOUT_SECONDS', '601'],
  ['TOOL_CONCURRENCY', '0'],
  ['TOOL_MEMORY_MB', '8'],
  ['TOOL_ENV', 'A-B'],
  ['TOOL_MAY_START_PROCESSES', 'yes'],
  ['TOOL_ENDPOINT_HOSTS', 'http://a.example'],
  ['SEGMENT_MIB', '2000'],
  ['EMBEDDINGS', 'gpt'],
  ['EMBEDDINGS_DIM', '0'],
  ['EMBEDDINGS_MODEL', 'two words'],
  ['EMBED_MESSAGES', 'yes'],
];

test.each(WRONG)('%s="%s" is refused by name', (name, value) => {
  expect(() => readConfig({ [name]: value })).toThrow(InvalidSettings);
  expect(() => readConfig({ [name]: value })).toThrow(`${name}="${value}": `);
});

test('nothing set means the defaults, and so does an empty value', () => {
  const defaults = {
    PORT: 4445,
    HOST: '127.0.0.1',
    DATA_DIR: './data',
    LOG_LEVEL: 'info',
    DURABILITY: { mode: 'always' },
    ALLOWED_HOSTS: [],
    ALLOWED_ORIGINS: [],
    STREAM_STALL_SECONDS: 30,
    MAX_STREAMS: 5_000,
    PRESENCE_IDLE_SECONDS: 300,
    PRESENCE_OFFLINE_SECONDS: 900,
    TASK_LEASE_SECONDS: 900,
    TASK_MAX_FAILED_RUNS: 3,
    LOOP_GUARD_EXCHANGES: 20,
    LOOP_GUARD_SECONDS: 60,
    OPENCLAW_WORKSPACE: '',
    MCP_LEGACY_TOOLS: false,
    MCP_CONFORMANCE: false,
    EMBEDDINGS: 'auto',
    EMBED_MESSAGES: false,
    TOOLS_DIR: [],
    TOOL_TIMEOUT_SECONDS: 30,
    TOOL_CONCURRENCY: 8,
    TOOL_MEMORY_MB: 256,
    TOOL_ENV: [],
    TOOL_MAY_START_PROCESSES: false,
    TOOL_ENDPOINT_HOSTS: [],
    SEGMENT_MIB: 64,
  };
  expect(readConfig({})).toEqual(defaults);
  expect(readConfig(Object.fromEntries(Object.keys(defaults).map((name) => [name, ''])))).toEqual(defaults);
});

const URL = 'http://127.0.0.1:11434/v1';

test.each([
  [{ EMBEDDINGS: 'openai' }, 'EMBEDDINGS_URL: is needed where EMBEDDINGS=openai'],
  [{ EMBEDDINGS: 'openai', EMBEDDINGS_URL: URL }, 'EMBEDDINGS_MODEL: is needed where EMBEDDINGS_URL is set'],
  [{ EMBEDDINGS_URL: URL }, 'EMBEDDINGS_MODEL: is needed'],
  [{ EMBEDDINGS_MODEL: 'small' }, 'EMBEDDINGS_MODEL="small": says nothing without EMBEDDINGS_URL'],
  [{ EMBEDDINGS_DIM: '9' }, 'EMBEDDINGS_DIM="9": says nothing without EMBEDDINGS_URL'],
  [{ EMBEDDINGS_API_KEY: 'sk-secret' }, 'EMBEDDINGS_API_KEY: says nothing without EMBEDDINGS_URL'],
  [{ EMBEDDINGS_API_KEY: 'sk-secret\nx' }, 'EMBEDDINGS_API_KEY: printable ASCII letters without spaces'],
  [{ EMBEDDINGS_URL: 'http://me:secret@127.0.0.1/v1' }, 'EMBEDDINGS_URL: the address of an API'],
  [{ EMBEDDINGS_URL: `${URL}?key=secret` }, 'EMBEDDINGS_URL: the address of an API'],
  [{ EMBEDDINGS_URL: 'file:///v1' }, 'EMBEDDINGS_URL: the address of an API'],
  [{ EMBEDDINGS_URL: '127.0.0.1' }, 'EMBEDDINGS_URL: the address of an API'],
])('%o is refused, without a secret in the words', (env, words) => {
  let message = '';
  try {
    readConfig(env);
  } catch (error) {
    message = (error as Error).message;
  }
  expect(message).toContain(words);
  expect(message).not.toContain('secret');
});

test('the settings of embeddings are read, and those of an endpoint may stay where another model is chosen', () => {
  const endpoint = { EMBEDDINGS_URL: URL, EMBEDDINGS_MODEL: 'small', EMBEDDINGS_DIM: '512', EMBED_MESSAGES: '1' };
  const read = { EMBEDDINGS_URL: URL, EMBEDDINGS_MODEL: 'small', EMBEDDINGS_DIM: 512, EMBED_MESSAGES: true };
  for (const EMBEDDINGS of ['auto', 'openai', 'minilm', 'none'])
    expect(readConfig({ ...endpoint, EMBEDDINGS })).toMatchObject({ ...read, EMBEDDINGS });
  expect(readConfig({ EMBEDDINGS: 'none', EMBEDDINGS_MODEL: 'small' })).toMatchObject({ EMBEDDINGS: 'none' });
});

test('lists are comma-separated, durability names its milliseconds', () => {
  expect(
    readConfig({
      ALLOWED_HOSTS: 'room.local, room:8080',
      ALLOWED_ORIGINS: 'https://a.example,http://localhost:3000',
      DURABILITY: 'interval:50',
      TOOLS_DIR: ['/one', '/two'].join(delimiter),
    }),
  ).toMatchObject({
    TOOLS_DIR: ['/one', '/two'],
    ALLOWED_HOSTS: ['room.local', 'room:8080'],
    ALLOWED_ORIGINS: ['https://a.example', 'http://localhost:3000'],
    DURABILITY: { mode: 'interval', ms: 50 },
  });
});

test('the process says every wrong setting, in words, and ends with 1', async () => {
  using dir = temporaryDirectory();
  const { code, output } = await refused({ PORT: '99999', LOG_LEVEL: 'quiet' }, dir.path);
  expect(code).toBe(1);
  expect(output).toContain('PORT="99999": a whole number from 0 to 65535');
  expect(output).toContain('LOG_LEVEL="quiet": one of trace, debug, info');
  expect(output).not.toContain('at ');
});

test('listening beyond this machine is refused, and why is said', async () => {
  using dir = temporaryDirectory();
  const { code, output } = await refused({ HOST: '0.0.0.0' }, dir.path);
  expect(code).toBe(1);
  expect(output).toContain('HOST="0.0.0.0": only loopback addresses');
  expect(output).toContain('no tokens yet');
});

test('.env is read, and the environment wins over it', async () => {
  using dir = temporaryDirectory();
  writeFileSync(join(dir.path, '.env'), 'SEGMENT_MIB=0\nMAX_STREAMS=none\n');
  const { code, output } = await refused({ MAX_STREAMS: '10', PORT: 'x' }, dir.path);
  expect(code).toBe(1);
  expect(output).toContain('SEGMENT_MIB="0"');
  expect(output).not.toContain('MAX_STREAMS');
});

test('.env.example as it is changes nothing', async () => {
  using dir = temporaryDirectory();
  copyFileSync(join(ROOT, '.env.example'), join(dir.path, '.env'));
  const { output } = await refused({ PORT: 'x' }, dir.path);
  expect(output.match(/^ {2}\w+=/gm)).toEqual(['  PORT=']);
});

test('a data directory that is a file is refused in words', async () => {
  using dir = temporaryDirectory();
  const file = join(dir.path, 'file');
  writeFileSync(file, '');
  const { code, output } = await refused({ DATA_DIR: file }, dir.path);
  expect(code).toBe(1);
  expect(output.trim()).toBe(`${file} is not a directory. Set DATA_DIR to one.`);
});

// A process of its own, because a directory that is asked for again and again holds up everything in it.
test.skipIf(!existsSync('/proc')).each(['/proc/reflectt', '/proc/reflectt/data', '/proc/self/data'])(
  'the data directory %s, which nobody can make, is refused in words',
  async (data) => {
    using dir = temporaryDirectory();
    const { code, output } = await refused({ DATA_DIR: data }, dir.path);
    expect(code).toBe(1);
    expect(output.trim()).toMatch(/^\/proc\/\w+(?:\/data)? cannot be made\. Set DATA_DIR to another directory\.$/);
  },
);
