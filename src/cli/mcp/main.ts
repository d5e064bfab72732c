#!/usr/bin/env node
import { createInterface } from 'node:readline';
import { Command, InvalidArgumentError } from 'commander';
import { Bridge } from './bridge.ts';
import { errorFrame, type Frame } from './frames.ts';

function address(text: string): string {
  if (!URL.canParse(text) || !/^https?:/.test(text))
    throw new InvalidArgumentError('an address such as http://127.0.0.1:4445');
  const url = new URL(text);
  if (url.pathname === '/') url.pathname = '/mcp';
  return url.href;
}

const { url, agent } = new Command('mcp')
  .description('A bridge for hosts that start a program: MCP over stdin and stdout, to a server that runs.')
  .option(
    '--url <address>',
    'where the server is',
    address,
    address(process.env.REFLECTT_URL ?? 'http://127.0.0.1:4445'),
  )
  .option('--agent <name>', 'the agent that it speaks for', process.env.REFLECTT_AGENT)
  .parse()
  .opts<{ url: string; agent?: string }>();

/** Nothing but frames goes to standard output: it is the protocol. */
function write(frame: object): void {
  process.stdout.write(`${JSON.stringify(frame)}\n`);
}

const bridge = new Bridge({ url, agent, write, note: (text) => process.stderr.write(`${text}\n`) });

/** Asked for and not answered yet: a host that says no more may still wait. */
const pending = new Set<Promise<void>>();

function take(line: string): void {
  if (line.trim() === '') return;
  let frame: Frame;
  try {
    frame = JSON.parse(line) as Frame;
  } catch {
    write(errorFrame(null, -32700, 'A frame is one line of JSON.'));
    return;
  }
  const done = bridge.receive(frame).finally(() => pending.delete(done));
  pending.add(done);
}

/** Milliseconds that answers get after the host has said its last. */
const GRACE_MS = 1_000;

async function end(): Promise<void> {
  await Promise.race([Promise.all(pending), new Promise((resolve) => setTimeout(resolve, GRACE_MS).unref())]);
  await bridge.close();
  process.exit(0);
}

process.stdout.on('error', () => process.exit(0));
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => void bridge.close().then(() => process.exit(0)));
createInterface({ input: process.stdin })
  .on('line', take)
  .on('close', () => void end());
