import { createHash } from 'node:crypto';
import { mkdirSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import type { Toolbox, ToolFault, ToolOutcome, ToolRequest } from '../kernel/toolbox.ts';
import { Catalogue } from './catalogue.ts';
import { Checker } from './check/checker.ts';
import { createEndpoints } from './endpoints.ts';
import { type RunningTool, runProcess } from './run/process.ts';
import { Slots } from './run/slots.ts';
import type { Space } from './run/space.ts';
import type { Scanned } from './scan/worker.ts';

export interface ToolboxOptions {
  /** Folders of tools, absolute; none: no tool of a folder runs here. */
  folders: readonly string[];
  dataDir: string;
  /** Calls of tools of folders that run at once. */
  concurrency: number;
  memoryMb: number;
  mayStartProcesses: boolean;
  /** Variables of the environment that tools are given. */
  env: Readonly<Record<string, string>>;
  /** Hosts beside this machine to which calls may be sent. */
  endpointHosts: readonly string[];
  /** True where a port of this machine is this server's. */
  isOwn(port: number): boolean;
  onFault(error: Error): void;
}

/** Calls that are sent to endpoints at once. */
const ENDPOINTS_AT_ONCE = 64;

/** Finds tools in folders and runs them, each call in a process of its own. */
export function createToolbox(options: ToolboxOptions): Toolbox {
  const { folders, dataDir, env } = options;
  const catalogue =
    folders.length === 0
      ? undefined
      : new Catalogue({ folders, out: join(dataDir, 'tools'), env: Object.keys(env), onFault: options.onFault });
  const checker = new Checker();
  const endpoints = createEndpoints(options.endpointHosts, options.isOwn);
  const slots = new Slots(options.concurrency);
  const lines = new Slots(ENDPOINTS_AT_ONCE);
  const running = new Set<RunningTool>();
  let closed = false;

  async function run(tool: Scanned, { agent, input, ms, nested, call }: ToolRequest): Promise<ToolOutcome> {
    if (!nested) await slots.take();
    try {
      const scan = await catalogue?.now();
      if (closed || scan === undefined) return fault('stopped', 'The server stopped.');
      if (tool.module === undefined) return fault('failed', tool.reason ?? 'It cannot run.');
      const space = spaceOf(join(dataDir, 'spaces'), agent);
      const one = runProcess(
        { module: tool.module, functions: tool.functions, input, space, userId: agent },
        {
          runner: scan.runner,
          env: { HOME: space.own, TMPDIR: space.own, ...env },
          cwd: space.own,
          memoryMb: options.memoryMb,
          reads: [realpathSync(join(dataDir, 'tools')), ...realPaths([...folders, ...scan.packages])],
          writes: [space.own, space.shared],
          mayStartProcesses: options.mayStartProcesses,
          ms,
          call,
        },
      );
      running.add(one);
      try {
        return await one.outcome;
      } finally {
        running.delete(one);
      }
    } finally {
      if (!nested) slots.leave();
    }
  }

  return {
    tools: async () => (await catalogue?.now())?.tools ?? [],
    find: async (name) => catalogue?.find(name),
    get folders() {
      return catalogue?.folders ?? [];
    },
    check: (schema, value) => checker.look({ schema: JSON.stringify(schema), value: { is: value } }),
    async checkSchema(schema) {
      const found = await checker.look({ schema: JSON.stringify(schema) });
      return typeof found === 'string' ? found : undefined;
    },
    run: (tool, request) => run(tool as Scanned, request),
    refusesEndpoint: endpoints.refuses,
    async forward(endpoint, body, ms) {
      await lines.take();
      try {
        return await endpoints.forward(endpoint, body, ms);
      } finally {
        lines.leave();
      }
    },
    async close() {
      closed = true;
      endpoints.close();
      for (const one of running) one.stop();
      await Promise.all([catalogue?.close(), checker.close(), ...[...running].map(({ outcome }) => outcome)]);
    },
  };
}

function fault(code: ToolFault['code'], message: string): ToolOutcome {
  return { ok: false, fault: { code, message } };
}

/** Folders as they really are; one that is not there is left out. */
function realPaths(paths: readonly string[]): string[] {
  return paths.flatMap((path) => {
    try {
      return [realpathSync(path)];
    } catch {
      return [];
    }
  });
}

/** The folders of an agent and of all; made where they are not there. */
function spaceOf(root: string, agent: string): Space {
  const [own, shared] = [join(root, 'agents', folderOf(agent)), join(root, 'global')];
  for (const folder of [own, shared]) mkdirSync(folder, { recursive: true });
  return { own: realpathSync(own), name: agent, shared: realpathSync(shared) };
}

/** Names that differ in letters' case alone are one folder on some systems, and dots at the end are none on others. */
function folderOf(agent: string): string {
  if (/^[a-z0-9](?:[a-z0-9_.-]*[a-z0-9_-])?$/.test(agent)) return agent;
  return `${agent.toLowerCase().replace(/\.+$/, '')}~${createHash('sha256').update(agent).digest('hex').slice(0, 8)}`;
}
