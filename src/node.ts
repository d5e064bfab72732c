import { randomUUID } from 'node:crypto';
import { isIPv6 } from 'node:net';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import cors from '@fastify/cors';
import type { FastifyBaseLogger, FastifyInstance } from 'fastify';
import { customAlphabet } from 'nanoid';
import { capabilities } from './capabilities/index.ts';
import { dayFilesOf } from './capabilities/memory/day-files.ts';
import { VIEWS } from './capabilities/memory/files.ts';
import { VERSION } from './capabilities/system/version.ts';
import type { Config } from './config.ts';
import type { Capability } from './kernel/capability.ts';
import { newEpoch } from './kernel/cursor.ts';
import { idempotencyKeys } from './kernel/idempotency.ts';
import { JournalRefused } from './kernel/journal/damage.ts';
import { FileJournal } from './kernel/journal/file-journal.ts';
import { makeDirectory } from './kernel/journal/files.ts';
import { Kernel } from './kernel/kernel.ts';
import type { World } from './kernel/options.ts';
import type { Toolbox } from './kernel/toolbox.ts';
import { surface } from './mcp/index.ts';
import { skill } from './mcp/skill.ts';
import { rowsPlan } from './search/plan.ts';
import { openSearch } from './search/search.ts';
import type { EmbeddingSettings } from './search/semantic/models.ts';
import { IndexAhead } from './store/index-file.ts';
import { IndexStore } from './store/index-store.ts';
import { DirectoryInUse, lockDirectory } from './store/lock.ts';
import { createToolbox } from './tools/toolbox.ts';
import { createGuard } from './transports/guard/guard.ts';
import type { McpOptions } from './transports/mcp/mcp.ts';
import { addMcp } from './transports/mcp/route.ts';
import { addDocs } from './transports/rest/docs.ts';
import { finishAnswers } from './transports/rest/finish-answers.ts';
import { addPage, builtPage, type PageFiles } from './transports/rest/page.ts';
import { addReadOnce, llms } from './transports/rest/read-once.ts';
import { addRoutes } from './transports/rest/routes.ts';
import { createHttpServer } from './transports/rest/server.ts';
import { createSse } from './transports/sse/sse.ts';
import { STREAM_DEFAULTS, type StreamSettings, Streams } from './transports/streams.ts';
import { addWebSockets } from './transports/ws/ws.ts';
import { DayFiles } from './views/day-files.ts';

export interface NodeOptions {
  config: Config;
  logger: FastifyBaseLogger;
  world?: World;
  capabilities?: readonly Capability[];
  streams?: Partial<StreamSettings>;
  /** The address of the module that says what is searched. */
  documents?: string;
  mcp?: Pick<McpOptions, 'sessions' | 'progressMs'>;
  /** Where variables are that tools get; the process's own unless given. */
  environment?: Readonly<Record<string, string | undefined>>;
  /** The files of the page at `/`; unless given, its own. */
  page?: () => Promise<PageFiles>;
  /** Told while the index is made anew. */
  onProgress?: (done: number, total: number) => void;
  /** Something that was acknowledged cannot be relied on any more: end the process. */
  onFailure?: (error: Error) => void;
  /** Told of a fault in what the server does by itself. */
  onFault?: (error: unknown) => void;
}

export interface Node {
  kernel: Kernel;
  app: FastifyInstance;
  address: string;
  /** What had to be mended or made anew at start, for people. */
  notes: string[];
  /** Ends streams with a reason, answers what was begun, and lets go of the data directory. */
  close(reason?: 'shutdown' | 'restart'): Promise<void>;
}

/** Why a data directory is not opened, where a person can mend it: to be said in words, without a stack. */
export const OPENING_REFUSALS = [DirectoryInUse, JournalRefused, IndexAhead];

export interface OpenedKernel {
  kernel: Kernel;
  toolbox: Toolbox | undefined;
  notes: string[];
  /** Lets the search look for what it has to do by itself. */
  begin(): void;
  close(): Promise<void>;
}

const randomText = customAlphabet('0123456789abcdefghijklmnopqrstuvwxyz');
let pool = '';

/** Random characters, made many at a time: a call for each id costs ten times as much. */
function random(n: number): string {
  if (pool.length < n) pool = randomText(4_096);
  const text = pool.slice(-n);
  pool = pool.slice(0, -n);
  return text;
}

/** The address of a module for a thread, from the build or from source. */
function moduleAt(path: string): string {
  return new URL(`${path}${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url).href;
}

/** The page: as it was built, or, from source, made when it is asked for. */
function pageFiles(): () => Promise<PageFiles> {
  if (!import.meta.url.endsWith('.ts')) return builtPage(fileURLToPath(new URL('web', import.meta.url)));
  // Only where the sources are is there what bundles them.
  const bundler = new URL('../build/page.ts', import.meta.url).href;
  let live: Promise<() => Promise<PageFiles>> | undefined;
  return async () => {
    live ??= import(bundler).then(({ livePage }: { livePage(): () => Promise<PageFiles> }) => livePage());
    return (await live)();
  };
}

const REAL_WORLD: World = { clock: Date.now, random };

function embeddingsOf(config: Partial<Config>): EmbeddingSettings {
  const { EMBEDDINGS = 'none', EMBEDDINGS_URL, EMBEDDINGS_MODEL, EMBEDDINGS_API_KEY, EMBEDDINGS_DIM } = config;
  return { EMBEDDINGS, EMBEDDINGS_URL, EMBEDDINGS_MODEL, EMBEDDINGS_API_KEY, EMBEDDINGS_DIM };
}

/** Opens the data directory alone, without doors: for the server, and for tools that work on a stopped one. */
export async function openKernel(
  options: Pick<NodeOptions, 'documents' | 'world' | 'capabilities' | 'onProgress' | 'onFailure' | 'onFault'> & {
    parts?: () => Record<string, unknown>;
    config: Pick<Config, 'DATA_DIR' | 'DURABILITY' | 'SEGMENT_MIB'> & Partial<Config>;
    /** Made once the directory is this process's. */
    toolbox?: (dir: string) => Toolbox;
  },
): Promise<OpenedKernel> {
  const { config } = options;
  const table = options.capabilities ?? capabilities;
  const dir = resolve(config.DATA_DIR);
  makeDirectory(dir);
  const lock = lockDirectory(dir);
  const notes: string[] = [];
  let journal: FileJournal | undefined;
  let toolbox: Toolbox | undefined;
  try {
    journal = await FileJournal.open({
      dir: join(dir, 'journal'),
      durability: config.DURABILITY,
      segmentBytes: config.SEGMENT_MIB * 1024 * 1024,
      fresh: () => ({ journal: randomUUID(), epoch: newEpoch() }),
    });
    const { recovered } = journal.status();
    if (recovered !== undefined) notes.push(`journal: ${recovered}; a copy is in ${join(dir, 'quarantine')}`);
    const file = join(dir, 'index.sqlite');
    const documents = options.documents ?? moduleAt('./capabilities/documents');
    const store = IndexStore.open({
      file,
      collections: [...table.flatMap((capability) => capability.collections), idempotencyKeys],
      follower: rowsPlan(documents, config.EMBED_MESSAGES),
      journal,
      // Each write of the index asks the journal for a sync, and the settings ask for no more than that.
      ...(config.DURABILITY.mode === 'interval' && { writeEveryMs: config.DURABILITY.ms }),
    });
    if (store.rebuilt !== undefined && journal.durable > 0) notes.push(`index: made anew, because ${store.rebuilt}`);
    const search = openSearch({
      file,
      documents,
      vectors: join(dir, 'vectors.sqlite'),
      embeddings: embeddingsOf(config),
      indexed: () => kernel.indexed(),
      status: () => ({ indexed: store.applied, head: kernel.feed.head }),
      remake: (onProgress) => store.remake(onProgress),
    });
    toolbox = options.toolbox?.(dir);
    const kernel = await Kernel.open({
      journal,
      store,
      search,
      capabilities: table,
      world: options.world ?? REAL_WORLD,
      settings: config,
      ...(options.parts && { parts: options.parts }),
      ...(toolbox && { toolbox }),
      ...(options.onProgress && { onProgress: options.onProgress }),
      ...(options.onFailure && { onFailure: options.onFailure }),
      ...(options.onFault && { onFault: options.onFault }),
    });
    return {
      kernel,
      toolbox,
      notes,
      begin: search.begin,
      close: async () => {
        await search.close();
        await toolbox?.close();
        await kernel.close();
        lock.release();
      },
    };
  } catch (error) {
    await toolbox?.close();
    await journal?.close();
    lock.release();
    throw error;
  }
}

function healthOfViews({ error, inTheWay }: DayFiles): Record<string, unknown> {
  return { ...(error !== undefined && { error }), ...(inTheWay !== undefined && { inTheWay }) };
}

/** The variables that are named, as far as they are set. */
function chosen(from: Readonly<Record<string, string | undefined>>, names: readonly string[]): Record<string, string> {
  const set = names
    .map((name) => [name, from[name]] as const)
    .filter(([, value]) => value !== undefined && value !== '');
  return Object.fromEntries(set) as Record<string, string>;
}

/** Puts the parts together and listens: the only place that knows them all. */
export async function startNode(options: NodeOptions): Promise<Node> {
  const { config, logger } = options;
  let dayFiles: DayFiles | undefined;
  let ownPort: number | undefined;
  const {
    kernel,
    notes,
    begin: beginSearch,
    toolbox,
    close: closeKernel,
  } = await openKernel({
    onFault: (error) => logger.error({ err: error }, 'a fault in what the server does by itself'),
    parts: () => (dayFiles === undefined ? {} : { views: healthOfViews(dayFiles) }),
    toolbox: (dataDir) =>
      createToolbox({
        dataDir,
        folders: config.TOOLS_DIR,
        concurrency: config.TOOL_CONCURRENCY,
        memoryMb: config.TOOL_MEMORY_MB,
        mayStartProcesses: config.TOOL_MAY_START_PROCESSES,
        env: chosen(options.environment ?? process.env, config.TOOL_ENV),
        endpointHosts: config.TOOL_ENDPOINT_HOSTS,
        isOwn: (port) => port === ownPort,
        onFault: (error) => logger.error({ err: error }, 'tools cannot be looked for'),
      }),
    ...options,
  });
  const settings: StreamSettings = {
    ...STREAM_DEFAULTS,
    stallMs: config.STREAM_STALL_SECONDS * 1_000,
    ...options.streams,
  };
  const streams = new Streams(config.MAX_STREAMS, settings.tickMs);
  let reason: 'shutdown' | 'restart' = 'shutdown';
  try {
    const guard = createGuard({
      port: () => (app.server.address() as { port: number }).port,
      allowedHosts: [...(isIPv6(config.HOST) ? [] : [config.HOST]), ...config.ALLOWED_HOSTS],
      allowedOrigins: config.ALLOWED_ORIGINS,
    });
    const app: FastifyInstance = createHttpServer({ guard, logger, head: () => kernel.feed.head });
    // Before the server stops listening: open streams would keep it from ending.
    app.addHook('preClose', async () => streams.close(reason));
    // What runs is ended and written down while there is a journal.
    app.addHook('preClose', async () => toolbox?.close());
    if (config.ALLOWED_ORIGINS.length > 0) {
      await app.register(cors, {
        origin: [...config.ALLOWED_ORIGINS],
        strictPreflight: false,
        methods: ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'],
        exposedHeaders: ['X-Seq', 'ETag', 'Retry-After', 'Idempotent-Replay', 'Mcp-Session-Id'],
      });
    }
    const batchWindow = kernel.collection<{ batchWindowMs: number }>('event_settings');
    const openStream = createSse({
      feed: kernel.feed,
      sightings: kernel.sightings,
      streams,
      settings,
      batchMs: () => batchWindow.get('settings')?.batchWindowMs ?? 0,
    });
    await addWebSockets(app, { kernel, streams, settings });
    addRoutes(app, kernel, openStream);
    const shown = surface(VERSION);
    addMcp(app, {
      kernel,
      streams,
      settings,
      surface: shown,
      listLegacy: config.MCP_LEGACY_TOOLS,
      fixtures: config.MCP_CONFORMANCE ? (await import('./transports/mcp/conformance/index.ts')).fixtures : undefined,
      ...options.mcp,
    });
    addReadOnce(app, {
      '/SKILL.md': { type: 'text/markdown', text: (base) => skill(base, kernel.operations, shown) },
      '/llms.txt': { type: 'text/plain', text: (base) => llms(base, kernel.capabilities) },
    });
    await addDocs(app, kernel, VERSION);
    addPage(app, options.page ?? pageFiles());
    finishAnswers(app);
    await app.listen({ port: config.PORT, host: config.HOST });
    beginSearch();
    const { port } = app.server.address() as { port: number };
    if (kernel.capabilities.some(({ name }) => name === 'memory'))
      dayFiles = new DayFiles({
        dir: join(resolve(config.DATA_DIR), VIEWS),
        source: dayFilesOf(kernel),
        ...(config.OPENCLAW_WORKSPACE !== '' && { workspace: config.OPENCLAW_WORKSPACE }),
        onTrouble(error) {
          if (error) logger.error({ err: error }, 'the Markdown files of memories cannot be written');
          else logger.info('the Markdown files of memories are written again');
        },
      });
    ownPort = port;
    let closing: Promise<void> | undefined;
    return {
      kernel,
      app,
      notes,
      address: `http://${isIPv6(config.HOST) ? `[${config.HOST}]` : config.HOST}:${port}`,
      close(why = 'shutdown') {
        if (closing === undefined) {
          reason = why;
          closing = app
            .close()
            .then(() => dayFiles?.close())
            .then(closeKernel);
        }
        return closing;
      },
    };
  } catch (error) {
    await closeKernel();
    throw error;
  }
}
