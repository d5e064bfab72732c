import { lstatSync, renameSync, writeFileSync } from 'node:fs';
import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { pathIn, type Space } from './space.ts';

type Path = readonly unknown[];

/** What a tool is given beside its input. Paths are `(target, ...segments)`, see {@link pathIn}. */
export interface ToolContext {
  /** The name of the space of the agent that calls. */
  readonly currentSpace: string;
  /** The agent that calls. */
  readonly userId: string;
  /** The folder of the space. */
  readonly projectRoot: string;
  resolvePath(...path: Path): string;
  fileExists(...path: Path): boolean;
  /** Throws ENOENT where it is not there. */
  readJson(...path: Path): Promise<unknown>;
  readText(...path: Path): Promise<string>;
  /** The last argument is what is written; folders are made. Readers see the old or the new, whole. */
  writeJson(...pathAndValue: Path): Promise<void>;
  writeText(...pathAndText: Path): Promise<void>;
  /** Names of the files in a folder; where the last argument begins with a dot, those that end so. None where it is not there. */
  listFiles(...path: Path): Promise<string[]>;
  listDirs(...path: Path): Promise<string[]>;
  ensureDir(...path: Path): Promise<string>;
  /** False where there was nothing. */
  deleteFile(...path: Path): Promise<boolean>;
  deleteDir(...path: Path): Promise<boolean>;
  /** Answers the result of another tool; throws where it fails. */
  executeTool(name: string, input?: Record<string, unknown>): Promise<unknown>;
}

export function createContext(space: Space, userId: string, executeTool: ToolContext['executeTool']): ToolContext {
  const at = ([target, ...segments]: Path) => pathIn(space, target, segments);

  async function write(path: Path, text: string): Promise<void> {
    const file = at(path);
    await mkdir(dirname(file), { recursive: true });
    const draft = `${file}.${process.pid}-${process.hrtime.bigint()}.tmp`;
    // In one step each, so that writes that are begun at once end in the order in which they were begun.
    writeFileSync(draft, text, { flag: 'wx' });
    renameSync(draft, file);
  }

  async function names(path: Path, kind: 'isFile' | 'isDirectory'): Promise<string[]> {
    try {
      const entries = await readdir(at(path), { withFileTypes: true });
      return entries
        .filter((entry) => entry[kind]())
        .map(({ name }) => name)
        .sort();
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
      throw error;
    }
  }

  async function remove(path: Path, kind: 'isFile' | 'isDirectory'): Promise<boolean> {
    const there = at(path);
    const found = lstatSync(there, { throwIfNoEntry: false });
    if (found === undefined) return false;
    if (!found[kind]()) throw new Error(`${there} is no ${kind === 'isFile' ? 'file' : 'folder'}.`);
    if (there === space.own || there === space.shared) throw new Error('A space itself cannot be deleted.');
    await rm(there, { recursive: kind === 'isDirectory' });
    return true;
  }

  return {
    currentSpace: space.name,
    userId,
    projectRoot: space.own,
    resolvePath: (...path) => at(path),
    fileExists: (...path) => lstatSync(at(path), { throwIfNoEntry: false }) !== undefined,
    readJson: async (...path) => JSON.parse(await readFile(at(path), 'utf8')),
    readText: async (...path) => readFile(at(path), 'utf8'),
    writeJson: async (...args) => write(args.slice(0, -1), `${JSON.stringify(args.at(-1) ?? null, null, 2)}\n`),
    writeText: async (...args) => write(args.slice(0, -1), String(args.at(-1))),
    async listFiles(...path) {
      const last = path.at(-1);
      const ending = path.length > 1 && typeof last === 'string' && /^\.\w/.test(last) ? last : '';
      const all = await names(ending === '' ? path : path.slice(0, -1), 'isFile');
      return all.filter((name) => name.endsWith(ending));
    },
    listDirs: async (...path) => names(path, 'isDirectory'),
    async ensureDir(...path) {
      await mkdir(at(path), { recursive: true });
      return at(path);
    },
    deleteFile: async (...path) => remove(path, 'isFile'),
    deleteDir: async (...path) => remove(path, 'isDirectory'),
    executeTool,
  };
}
