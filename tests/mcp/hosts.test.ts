import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { type Block, blocksOf } from '../support/documents.ts';
import { ERAS, mcpClient } from '../support/mcp.ts';
import { testNode } from '../support/node.ts';
import { readText } from '../support/source.ts';

const run = promisify(execFile);
const page = readText('docs/guides/hosts.md');
const all = blocksOf(page);
/** Blocks for hosts that start a program, and those for hosts that know an address. */
const started = all.filter(({ text }) => text.includes('"command"'));
const blocks = all.filter((block) => !started.includes(block));

interface Server {
  url: string;
  headers: Record<string, string>;
}

function isServer(value: unknown): value is Record<string, unknown> {
  return value !== null && typeof value === 'object' && 'headers' in value;
}

/** The one server that a configuration names, at whatever depth. */
function serverIn(value: unknown): Server {
  if (isServer(value)) {
    const { url, httpUrl = url, headers } = value as { url?: string; httpUrl?: string; headers: Server['headers'] };
    return { url: String(httpUrl), headers };
  }
  for (const each of Object.values(value as object)) if (typeof each === 'object') return serverIn(each);
  throw new Error('there is no server');
}

/** As much of TOML as a table of texts, numbers and inline tables is. */
function tableOf(text: string): { name: string; values: Record<string, unknown> } {
  const [head = '', ...lines] = text.trim().split('\n');
  const name = /^\[([\w.-]+)\]$/.exec(head)?.[1];
  if (name === undefined) throw new Error(`${head} is no head of a table`);
  const values = lines.map((line) => {
    const [, key, value = ''] = /^([\w-]+) = (.+)$/.exec(line) ?? [];
    if (key === undefined) throw new Error(`${line} is no pair`);
    return [key, JSON.parse(value.replace(/" = "/g, '": "'))];
  });
  return { name, values: Object.fromEntries(values) };
}

const READERS: Record<string, (block: Block) => Server> = {
  json: ({ text }) => serverIn(JSON.parse(text)),
  toml: ({ text }) => {
    const { name, values } = tableOf(text);
    expect(name).toBe('mcp_servers.reflectt');
    return { url: values.url as string, headers: values.http_headers as Record<string, string> };
  },
  // A literal of Python whose keys and values are texts is JSON but for its last commas.
  python: ({ text }) =>
    serverIn(JSON.parse(text.slice(text.indexOf('{'), text.lastIndexOf('}') + 1).replace(/,(\s*[}\]])/g, '$1'))),
};

test('each host of the guide has a block that parses, with an address that answers its agent', async () => {
  await using node = await testNode();
  const configurations = blocks.filter(({ language }) => language in READERS);
  expect(configurations.map(({ language }) => language)).toEqual(['json', 'toml', 'json', 'json', 'python']);
  for (const block of configurations) {
    const { url, headers } = (READERS[block.language] as (block: Block) => Server)(block);
    expect(url).toBe('http://127.0.0.1:4445/mcp');
    const agent = headers['X-Agent'] as string;
    for (const era of ERAS) {
      await using mcp = await mcpClient(node.url, { era, headers });
      expect((await mcp.client.listTools()).tools.length).toBeGreaterThan(10);
      expect((await mcp.call('post_message', { content: `${agent} is here` })).isError).toBeUndefined();
    }
  }
  const { body } = await node.get('/chat/messages');
  expect(body.messages.map(({ from }: { from: string }) => from)).toEqual(
    ['claude', 'codex', 'gemini', 'claw', 'chain'].flatMap((agent) => [agent, agent]),
  );
});

test('OpenClaw is told the transport by the name that it has for it', () => {
  const claw = JSON.parse(blocks.filter(({ language }) => language === 'json').at(-1)?.text as string);
  expect(claw.mcp.servers.reflectt.transport).toBe('streamable-http');
});

test('the one line for a shell does what it says', async () => {
  await using node = await testNode();
  const [line] = blocks.filter(({ language }) => language === 'sh');
  const { stdout } = await run('bash', ['-c', (line as Block).text.replaceAll('4445', String(node.port))]);
  expect(stdout).toContain('posted msg-');
  expect((await node.get('/chat/messages')).body.messages).toMatchObject([{ from: 'ada' }]);
});

test('a host that starts a program starts the bridge, which the build has', () => {
  expect(started).toHaveLength(1);
  const { command, args } = JSON.parse(started[0]?.text as string).mcpServers.reflectt;
  expect(command).toBe('node');
  const [program = ''] = args as string[];
  const source = program.replace('<folder>/dist/', 'src/').replace(/\.js$/, '.ts');
  expect(source).toBe('src/cli/mcp/main.ts');
  expect(readText(source)).toContain("'--agent <name>'");
});
