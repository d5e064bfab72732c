import { Socket } from 'node:net';
import { pathToFileURL } from 'node:url';
import { createContext } from './context.ts';
import { type Called, type FromTool, type Job, MAX_FRAME_BYTES, PIPE, readLines } from './frames.ts';

// The program of a process that runs one tool once. It is put together with its imports when tools are looked for.

const pipe = new Socket({ fd: PIPE, readable: true, writable: true });
const calls = new Map<number, (called: Called) => void>();
let lastCall = 0;
let ended = false;

function send(frame: FromTool, then?: () => void): void {
  pipe.write(`${JSON.stringify(frame)}\n`, then);
}

/** Tells what came of it and goes: the server ends what is left. */
function end(frame: FromTool): void {
  if (ended) return;
  ended = true;
  let told = frame;
  let text: string | undefined;
  try {
    text = JSON.stringify(frame);
  } catch (error) {
    told = { type: 'failed', message: `The result is no JSON: ${messageOf(error)}` };
  }
  if (text !== undefined && Buffer.byteLength(text) > MAX_FRAME_BYTES)
    told = { type: 'failed', code: 'too_large', message: `The result holds more than ${MAX_FRAME_BYTES} bytes.` };
  send(told, () => process.exit(0));
}

function messageOf(error: unknown): string {
  const text = error instanceof Error ? error.message || error.name : String(error);
  return text.slice(0, 2_000);
}

async function executeTool(name: string, input: Record<string, unknown> = {}): Promise<unknown> {
  const id = ++lastCall;
  const called = await new Promise<Called>((resolve) => {
    calls.set(id, resolve);
    pipe.ref();
    send({ type: 'call', id, name: String(name), input });
  });
  calls.delete(id);
  if (calls.size === 0) pipe.unref();
  if (!called.ok) throw new Error(`${name}: ${called.message}`);
  return called.result;
}

type Tool = (input: unknown, context: unknown) => unknown;

/** The function that is the tool: the default export, the one that is named, or the only one. */
function toolIn(module: Record<string, unknown>, functions: readonly string[]): Tool {
  const inner = module.default;
  const names = functions.flatMap((name) => [module[name], (inner as Record<string, unknown> | undefined)?.[name]]);
  const exported = Object.values(module).filter((each) => typeof each === 'function');
  const found = [inner, ...names].find((each) => typeof each === 'function') ?? (exported.length === 1 && exported[0]);
  if (typeof found === 'function') return found as Tool;
  throw new Error(`It exports no function default${functions.map((name) => `, ${name}`).join('')}.`);
}

async function run({ module, functions, input, space, userId }: Job): Promise<void> {
  const context = createContext(space, userId, executeTool);
  // The stand-ins for modules of other hosts are put together with each tool, and find it here.
  (globalThis as Record<symbol, unknown>)[Symbol.for('reflectt.tool')] = context;
  pipe.unref();
  try {
    const tool = toolIn(await import(pathToFileURL(module).href), functions);
    const result = await tool(input, context);
    end({ type: 'done', result: result === undefined ? null : result });
  } catch (error) {
    end({ type: 'failed', message: messageOf(error) });
  }
}

let begun = false;
pipe.on(
  'data',
  readLines(
    (line) => {
      const frame = JSON.parse(line) as Job | Called;
      if (begun) calls.get((frame as Called).id)?.(frame as Called);
      else {
        begun = true;
        void run(frame as Job);
      }
    },
    () => process.exit(1),
  ),
);
// The server is gone: nobody waits for this any more.
pipe.on('end', () => process.exit(1));
pipe.on('error', () => process.exit(1));
process.on('beforeExit', () => end({ type: 'failed', message: 'It waits for something that cannot come any more.' }));
