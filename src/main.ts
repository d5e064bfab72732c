import { resolve } from 'node:path';
import closeWithGrace from 'close-with-grace';
import { config as loadDotenv } from 'dotenv';
import { VERSION } from './capabilities/system/version.ts';
import { type Config, InvalidSettings, readConfig } from './config.ts';
import { createLogger } from './logger.ts';
import { OPENING_REFUSALS, startNode } from './node.ts';
import { createProgress } from './progress.ts';

/** What the person at the keyboard can mend: said in words, without a stack. */
const EXPECTED = [InvalidSettings, ...OPENING_REFUSALS];

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** What the operating system refused, in words, where a person can mend it. */
function explain({
  code,
  syscall,
  path,
  address,
  port,
}: NodeJS.ErrnoException & { address?: string; port?: number }): string | undefined {
  if (code === 'EADDRINUSE') return `Port ${port} is in use. Stop the other process, or set PORT.`;
  if (code === 'EADDRNOTAVAIL') return `This machine has no address ${address}. Set HOST.`;
  if (code === 'EACCES' && syscall === 'listen') return `Port ${port} needs rights that this process lacks. Set PORT.`;
  if (path === undefined) return undefined;
  if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS')
    return `${path} cannot be written. Give this user the right to, or set DATA_DIR.`;
  if (code === 'ENOENT' && syscall === 'mkdir') return `${path} cannot be made. Set DATA_DIR to another directory.`;
  if (code === 'EEXIST' || code === 'ENOTDIR') return `${path} is not a directory. Set DATA_DIR to one.`;
  if (code === 'ENOSPC') return `The disk that holds ${path} is full. Free space, then start again.`;
  return undefined;
}

/** Ends with 1 and says why on standard error. */
function refuse(error: unknown): never {
  const expected = EXPECTED.some((type) => error instanceof type) ? (error as Error).message : undefined;
  const words = expected ?? explain(error as NodeJS.ErrnoException);
  process.stderr.write(`${words ?? (error instanceof Error ? error.stack : String(error))}\n`);
  process.exit(1);
}

async function main(): Promise<void> {
  loadDotenv({ quiet: true });
  const config: Config = readConfig(process.env);
  const logger = createLogger(config.LOG_LEVEL);
  const began = performance.now();
  const node = await startNode({
    config,
    // The start screen says where it listens; the HTTP layer need not say it again.
    logger: config.LOG_LEVEL === 'info' ? logger.child({}, { level: 'warn' }) : logger,
    onProgress: createProgress(say),
    onFailure(error) {
      logger.fatal({ err: error }, 'the disk failed: what was in flight may or may not be stored');
      // Callers get their answers first; nothing more is written.
      setTimeout(() => process.exit(1), 100);
    },
  });
  const { journal } = node.kernel.health();
  say(`reflectt-node ${VERSION}`);
  say(`  address   ${node.address}`);
  say(`  data      ${resolve(config.DATA_DIR)} (durability ${journal.durability}, epoch ${journal.epoch})`);
  say(
    `  events    ${journal.head}, of which ${node.kernel.replayed} replayed, ready after ${Math.round(performance.now() - began)} ms`,
  );
  say('  doors     REST /docs   SSE /events   WebSocket /ws and /chat/ws   MCP /mcp');
  for (const note of node.notes) {
    say(`  mended    ${note}`);
    if (!process.stdout.isTTY) logger.warn(note);
  }
  say('Ready.');

  closeWithGrace({ delay: 1_800, logger: false }, async ({ signal, err }) => {
    if (err) logger.fatal({ err }, 'ending after a fault');
    await node.close(signal === 'SIGTERM' ? 'restart' : 'shutdown');
    if (err) process.exitCode = 1;
  });
}

main().catch(refuse);
