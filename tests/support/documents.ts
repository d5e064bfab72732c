import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { ROOT } from './source.ts';

export interface Block {
  language: string;
  text: string;
}

/** The fenced blocks of a page, in order. */
export function blocksOf(markdown: string): Block[] {
  return [...markdown.matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm)].map(([, language = '', text = '']) => ({
    language,
    text,
  }));
}

export interface Shell extends AsyncDisposable {
  /** Runs lines as a person would who types them; answers what they print and the status of the last. */
  run(lines: string): Promise<{ output: string; status: number }>;
}

const END = 'end-of-block';

/** One bash in the repository's folder that keeps its variables from block to block. */
export function openShell(env: Record<string, string>): Shell {
  const child: ChildProcess = spawn('bash', [], {
    cwd: ROOT,
    env: { PATH: process.env.PATH, HOME: process.env.HOME, ...env },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  let text = '';
  let wake = () => {};
  child.stdout?.on('data', (data: Buffer) => {
    text += data.toString();
    wake();
  });
  child.once('exit', () => wake());
  return {
    async run(lines) {
      text = '';
      child.stdin?.write(`${lines}\nprintf '\\n${END} %s\\n' $?\n`);
      for (;;) {
        const match = new RegExp(`\\n${END} (\\d+)\\n$`).exec(text);
        if (match) return { output: text.slice(0, match.index), status: Number(match[1]) };
        if (child.exitCode !== null) throw new Error(`the shell ended in: ${lines}`);
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    },
    async [Symbol.asyncDispose]() {
      if (child.exitCode !== null) return;
      child.stdin?.end();
      await once(child, 'exit');
    },
  };
}

/** Text in which `…` stands for anything, as a pattern. */
export function pattern(text: string): RegExp {
  const parts = text
    .trim()
    .split('…')
    .map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${parts.join('[\\s\\S]*?')}$`);
}

/** Where an answer differs from the one that a page shows: numbers may be others, further fields may be there. */
export function difference(shown: unknown, actual: unknown, at = ''): string | undefined {
  if (typeof shown === 'string')
    return typeof actual === 'string' && pattern(shown).test(actual)
      ? undefined
      : `${at}: ${JSON.stringify(actual)} is not ${JSON.stringify(shown)}`;
  if (shown === null || typeof shown !== 'object')
    return typeof shown === typeof actual && (typeof shown === 'number' || shown === actual)
      ? undefined
      : `${at}: ${JSON.stringify(actual)} is not ${JSON.stringify(shown)}`;
  if (actual === null || typeof actual !== 'object')
    return `${at}: ${JSON.stringify(actual)} is no ${Array.isArray(shown) ? 'list' : 'object'}`;
  if (Array.isArray(shown) && (!Array.isArray(actual) || actual.length !== shown.length))
    return `${at}: another length`;
  for (const [name, value] of Object.entries(shown)) {
    const found = difference(value, (actual as Record<string, unknown>)[name], `${at}/${name}`);
    if (found !== undefined) return found;
  }
  return undefined;
}
