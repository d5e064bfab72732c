import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryDirectory } from './directory.ts';
import { type Answer, type TestNode, testNode } from './node.ts';

/** A folder of tools that a test fills. */
export interface ToolFolder extends Disposable {
  path: string;
  /** Writes `<category>/<tool>` with its files; a definition that is no text is written as JSON. */
  add(place: string, definition: object | string, files?: Record<string, string>): void;
}

export function toolFolder(): ToolFolder {
  const dir = temporaryDirectory();
  return {
    path: dir.path,
    add(place, definition, files = {}) {
      const folder = join(dir.path, place);
      mkdirSync(folder, { recursive: true });
      for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
      const text = typeof definition === 'string' ? definition : JSON.stringify(definition);
      writeFileSync(join(folder, 'definition.json'), text);
    },
    [Symbol.dispose]: () => dir[Symbol.dispose](),
  };
}

/** One tool `<name>` in the category `test`, whose implementation.mjs is this text. */
export function addTool(folder: ToolFolder, name: string, source: string, more: object = {}): void {
  folder.add(`test/${name}`, { name, description: name, ...more }, { 'implementation.mjs': source });
}

export interface ToolNode extends TestNode {
  call(tool: string, input?: object, more?: object, headers?: Record<string, string>): Promise<Answer>;
}

/** A node that reads a folder of tools; `kai` calls. */
export async function toolNode(
  folder: { path: string },
  options: Parameters<typeof testNode>[0] = {},
): Promise<ToolNode> {
  const node = await testNode({ ...options, env: { TOOLS_DIR: folder.path, ...options.env } });
  return Object.assign(node, {
    call: (tool: string, input: object = {}, more: object = {}, headers: Record<string, string> = {}) =>
      node.send('POST', `/tools/${tool}/call`, { agent: 'kai', input, ...more }, headers),
  });
}

/** Ids of processes whose command line or environment names a text, other than this one. */
export function processesOf(text: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .filter((id) => ['cmdline', 'environ'].some((file) => read(`/proc/${id}/${file}`).includes(text)))
    .map(Number);
}

function read(path: string): string {
  try {
    return existsSync(path) ? readFileSync(path, 'utf8') : '';
  } catch {
    return '';
  }
}

/** Asks again until something holds; fails after ten seconds. */
export async function until<T>(ask: () => T | Promise<T>, holds: (value: T) => boolean, ms = 10_000): Promise<T> {
  const end = Date.now() + ms;
  for (;;) {
    const value = await ask();
    if (holds(value)) return value;
    if (Date.now() > end) throw new Error(`it did not come true: ${JSON.stringify(value)?.slice(0, 500)}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
