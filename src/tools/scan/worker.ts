import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { parentPort, workerData } from 'node:worker_threads';
import { stop } from 'esbuild';
import type { FoundTool, ToolFolder, ToolStatus } from '../../kernel/toolbox.ts';
import { type Definition, listFolders, readDefinition } from './definitions.ts';
import { nameAll } from './name-all.ts';
import { buildRunner, buildSources } from './sources.ts';

export interface ScanJob {
  folders: readonly string[];
  /** Where the modules go; made anew for each look. */
  out: string;
  /** Variables of the environment that tools are given. */
  env: readonly string[];
}

/** A tool that was found, and how it is run where it is ready. */
export interface Scanned extends FoundTool {
  /** The module that holds its sources. */
  module?: string;
  functions: string[];
}

export interface Scan {
  tools: Scanned[];
  folders: ToolFolder[];
  runner: string;
  /** Folders in which something may change. */
  watch: string[];
  /** Folders of packages that tools import. */
  packages: string[];
}

/** What a look says: which folders to watch before they are read, and at last what is in them. */
export type ScanAnswer = { watch: string[] } | { scan: Scan } | { error: string };

function tell(answer: ScanAnswer): void {
  parentPort?.postMessage(answer);
}

/** Fulfilled once these folders are watched. */
async function watched(folders: string[]): Promise<void> {
  if (parentPort === null) return;
  tell({ watch: folders });
  await once(parentPort, 'message');
}

/** What is worst is told. */
const WORST: ToolStatus[] = ['invalid', 'needs_host_module', 'needs_package', 'needs_env'];

async function scan({ folders, out, env }: ScanJob): Promise<Scan> {
  mkdirSync(out, { recursive: true });
  const shown: ToolFolder[] = [];
  const definitions: Definition[] = [];
  const listed = folders.map((path) => {
    try {
      return { path, ...listFolders(path) };
    } catch (error) {
      return { path, all: [], tools: [], error: (error as Error).message };
    }
  });
  const watch = listed.flatMap(({ all }) => all);
  // What changes while it is read is seen.
  await watched(watch);
  for (const { path, tools, ...rest } of listed) {
    const found = tools.map(readDefinition).filter((each) => each !== undefined);
    definitions.push(...found);
    shown.push({ path, tools: found.length, ...('error' in rest && { error: rest.error }) });
  }
  await buildRunner(out);
  const sources = await buildSources(definitions, out);
  const modules = new Map(sources.built.map(({ definition, module }) => [definition, module]));
  for (const { env: needed, faults } of definitions)
    for (const name of needed)
      if (!env.includes(name))
        faults.push({ status: 'needs_env', reason: `${name} is not set, or not named in TOOL_ENV` });
  const tools = nameAll(definitions).map(({ definition, name, qualified }): Scanned => {
    const { category, description, input_schema, output_schema, functions, faults } = definition;
    const status = WORST.find((each) => faults.some((fault) => fault.status === each)) ?? 'ready';
    const module = modules.get(definition);
    return {
      name,
      qualified,
      category,
      description,
      status,
      ...(faults.length > 0 && {
        reason: faults
          .map(({ reason }) => reason)
          .join('; ')
          .slice(0, 2_000),
      }),
      input_schema,
      ...(output_schema && { output_schema }),
      ...(module !== undefined && { module }),
      functions,
    };
  });
  const { packages } = sources;
  return { tools, folders: shown, runner: join(out, 'runner.mjs'), watch: [...watch, ...sources.folders], packages };
}

try {
  tell({ scan: await scan(workerData as ScanJob) });
} catch (error) {
  tell({ error: error instanceof Error ? error.message : String(error) });
} finally {
  await stop();
}
