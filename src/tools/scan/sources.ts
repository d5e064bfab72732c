import { isBuiltin } from 'node:module';
import { isAbsolute, join, relative, resolve, sep } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { type BuildOptions, build, type ImportKind, type Message, type Plugin } from 'esbuild';
import type { Definition } from './definitions.ts';

/** A tool whose sources were put together. */
export interface Built {
  definition: Definition;
  /** One module that holds them; packages stay where they are. */
  module: string;
}

export interface Sources {
  built: Built[];
  /** Folders of the sources, to be watched. */
  folders: string[];
  /** Folders of packages that tools import. */
  packages: string[];
}

type Problem = Definition['faults'][number];

/** What begins so is a module of the host for which a tool was written. */
const HOST = /^@\//;
const SHIMS: [RegExp, string][] = [
  [/^@\/lib\/tools(?:\/|$)/, 'stand-in'],
  [/^@\/lib\/observability\/logger$/, 'logger'],
];
const SOURCE = import.meta.url.endsWith('.ts');
const EXTENSION = SOURCE ? '.ts' : '.js';

function ownFile(path: string): string {
  return fileURLToPath(new URL(`${path}${EXTENSION}`, import.meta.url));
}

const OPTIONS = {
  bundle: true,
  platform: 'node',
  target: 'node20',
  format: 'esm',
  outExtension: { '.js': '.mjs' },
  logLevel: 'silent',
  legalComments: 'none',
  // What a folder of tools says of TypeScript elsewhere is for its own host.
  tsconfigRaw: {},
  banner: { js: "import { createRequire as $require } from 'node:module';const require = $require(import.meta.url);" },
} satisfies BuildOptions;

/** Puts the program together that runs a tool in its process. */
export async function buildRunner(out: string): Promise<void> {
  await build({ ...OPTIONS, entryPoints: { runner: ownFile('../run/main') }, outdir: out });
}

/** Puts the sources of each tool together, and notes in the definitions what is missing or wrong. */
export async function buildSources(definitions: readonly Definition[], out: string): Promise<Sources> {
  const imports = new Imports();
  const left = definitions.filter(({ faults }) => faults.length === 0);
  const entries = new Map(left.map((definition, i) => [`t${i}`, definition]));
  for (;;) {
    const entryPoints = Object.fromEntries([...entries].map(([name, { file }]) => [name, file]));
    try {
      const { metafile } = await build({
        ...OPTIONS,
        entryPoints,
        outdir: out,
        metafile: true,
        absWorkingDir: sep,
        plugins: [imports.plugin],
      });
      for (const [path, { exports }] of Object.entries(metafile.outputs)) {
        const definition = entries.get(/([^/\\]+)\.mjs$/.exec(path)?.[1] ?? '');
        if (definition) checkExports(definition, exports);
      }
      break;
    } catch (error) {
      const errors = (error as { errors?: Message[] }).errors;
      if (errors === undefined) throw error;
      for (const message of errors) imports.failed(message);
      const before = entries.size;
      for (const [name, { file }] of entries) if (imports.failedIn(file)) entries.delete(name);
      // Nobody's: it would come again.
      if (entries.size === before) throw error;
    }
    if (entries.size === 0) break;
  }
  for (const { faults, file } of left) faults.push(...imports.problemsOf(file));
  const built = [...entries]
    .filter(([, { faults }]) => faults.length === 0)
    .map(([name, definition]) => ({ definition, module: join(out, `${name}.mjs`) }));
  return { built, folders: imports.folders(), packages: imports.packages() };
}

/** A module that can be seen to export nothing that could be the tool; CommonJS shows that only when it runs. */
function checkExports({ functions, faults }: Definition, exports: readonly string[]): void {
  if (exports.length === 1 || ['default', ...functions].some((name) => exports.includes(name))) return;
  const wanted = ['default', ...functions].join(', ');
  faults.push({
    status: 'invalid',
    reason: exports.length === 0 ? 'it exports nothing' : `it exports none of ${wanted}, but ${exports.join(', ')}`,
  });
}

/** What files import, as far as it is theirs and not a package's, and what of it is missing. */
class Imports {
  readonly #edges = new Map<string, Set<string>>();
  readonly #problems = new Map<string, Problem[]>();
  readonly #failed = new Set<string>();
  readonly #packages = new Set<string>();

  readonly plugin: Plugin = {
    name: 'tools',
    setup: (asked) => {
      const seen = Symbol();
      asked.onResolve({ filter: /.*/ }, async ({ path, kind, importer, resolveDir, pluginData }) => {
        if (kind === 'entry-point' || pluginData === seen) return undefined;
        if (isBuiltin(path)) return { path, external: true };
        if (HOST.test(path)) return this.#host(path, importer);
        const own = path.startsWith('.') || isAbsolute(path);
        const found = await asked.resolve(path, { kind, importer, resolveDir, pluginData: seen });
        if (found.errors.length > 0) {
          this.#note(
            importer,
            own
              ? { status: 'invalid', reason: `${path} is not there` }
              : { status: 'needs_package', reason: `the package ${packageOf(path)} is not installed beside it` },
          );
          return { path, external: true };
        }
        if (own) {
          if (!found.external) this.#edge(importer, found.path);
          return found;
        }
        const folder = /^(.*[\\/]node_modules)[\\/]/.exec(found.path)?.[1];
        if (folder) this.#packages.add(folder);
        return { path: asPath(found.path, kind), external: true };
      });
    },
  };

  #host(path: string, importer: string) {
    const shim = SHIMS.find(([pattern]) => pattern.test(path))?.[1];
    if (shim !== undefined) return { path: ownFile(`../host/${shim}`) };
    this.#note(importer, { status: 'needs_host_module', reason: `${path} is a module of another host` });
    return { path, external: true };
  }

  #edge(from: string, to: string): void {
    const known = this.#edges.get(from);
    if (known) known.add(to);
    else this.#edges.set(from, new Set([to]));
  }

  #note(file: string, problem: Problem): void {
    const known = this.#problems.get(file) ?? [];
    if (known.some(({ reason }) => reason === problem.reason)) return;
    this.#problems.set(file, [...known, problem]);
  }

  /** Notes what esbuild says. */
  failed({ text, location }: Message): void {
    const file = location === null ? '' : resolve(sep, location.file);
    const missing = /^No matching export in ".*" for import "(.*)"/.exec(text);
    const ours = missing !== null && /[\\/]tools[\\/]host[\\/](?:stand-in|logger)\./.test(text);
    this.#failed.add(file);
    this.#note(
      file,
      ours
        ? { status: 'needs_host_module', reason: `this server's stand-in for the host's modules has no ${missing[1]}` }
        : { status: 'invalid', reason: location === null ? text : `line ${location.line}: ${text}` },
    );
  }

  /** The files that a file needs, itself included. */
  #closure(file: string): Set<string> {
    const all = new Set([file]);
    for (const each of all) for (const next of this.#edges.get(each) ?? []) all.add(next);
    return all;
  }

  failedIn(file: string): boolean {
    return [...this.#closure(file)].some((each) => this.#failed.has(each));
  }

  problemsOf(file: string): Problem[] {
    return [...this.#closure(file)].flatMap((each) =>
      (this.#problems.get(each) ?? []).map(({ status, reason }) =>
        each === file ? { status, reason } : { status, reason: `${relative(join(file, '..'), each)}: ${reason}` },
      ),
    );
  }

  folders(): string[] {
    const files = [...this.#edges.values()].flatMap((each) => [...each]);
    return [...new Set(files.map((file) => join(file, '..')))];
  }

  packages(): string[] {
    return [...this.#packages];
  }
}

function packageOf(path: string): string {
  return path.split('/', path.startsWith('@') ? 2 : 1).join('/');
}

function asPath(path: string, kind: ImportKind): string {
  return kind.startsWith('require') ? path : pathToFileURL(path).href;
}
