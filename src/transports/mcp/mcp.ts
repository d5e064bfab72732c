import { AsyncLocalStorage } from 'node:async_hooks';
import { setImmediate, setTimeout } from 'node:timers/promises';
import { type NodeMcpRequestHandler, toNodeHandler } from '@modelcontextprotocol/node';
import { classifyInboundRequest, createMcpHandler, type ServerEventBus } from '@modelcontextprotocol/server';
import type { FastifyBaseLogger, FastifyReply, FastifyRequest } from 'fastify';
import { Refusal } from '../../kernel/errors.ts';
import type { Kernel } from '../../kernel/kernel.ts';
import { checkAgent } from '../../kernel/validate.ts';
import type { StreamSettings, Streams } from '../streams.ts';
import { ToolCaller } from './call.ts';
import { type DirectCall, directCall, writeResult } from './direct.ts';
import type { Fixtures } from './fixtures.ts';
import { OpenStream } from './open-stream.ts';
import { Watch } from './resources.ts';
import { createServer, MAX_WAIT, MAX_WATCHED, type McpParts } from './server.ts';
import { type Session, type SessionLimits, Sessions } from './sessions.ts';
import type { Surface } from './surface.ts';
import { describeTool } from './tool-list.ts';

/** A request of Node's, which always has a method. */
type NodeRequest = Parameters<NodeMcpRequestHandler>[0];

export interface McpOptions {
  kernel: Kernel;
  streams: Streams;
  settings: StreamSettings;
  surface: Surface;
  /** The tools of the original are listed too. */
  listLegacy: boolean;
  sessions?: Partial<SessionLimits>;
  /** Milliseconds between two signs of progress. */
  progressMs?: number;
  fixtures?: Fixtures | undefined;
}

/** Told of a fault of the server, and where it came up. */
export type OnBug = (error: unknown, what: string) => void;

const SESSIONS: SessionLimits = { most: 1_000, idleMs: 30 * 60_000 };
const PROGRESS_MS = 15_000;
/** Milliseconds that a closing server gives to calls that wait. */
const GRACE_MS = 500;

/** Who asked for what is being opened, where the library does not tell. */
interface Asker {
  agent: string | undefined;
  uris: readonly string[];
}

/** What answers /mcp. */
export interface Mcp {
  serve(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply>;
  /** Answers whoever waits; then ends what is open. */
  close(): Promise<void>;
}

/** Streamable HTTP of the Model Context Protocol, revision 2026-07-28 and those with a handshake. */
export function createMcp(options: McpOptions, log: FastifyBaseLogger, onBug: OnBug): Mcp {
  const { kernel, streams, settings, surface } = options;
  const there = (tools: Surface['tools']) =>
    tools.filter(({ operations }) => operations.some((name) => kernel.operations.has(name)));
  const shown = { ...surface, tools: there(surface.tools), legacyTools: there(surface.legacyTools) };
  const caller = new ToolCaller(kernel, shown, onBug);
  const parts: McpParts = {
    kernel,
    surface: shown,
    caller,
    listed: [...shown.tools, ...(options.listLegacy ? shown.legacyTools : [])]
      .filter((tool, i, all) => all.findIndex(({ name }) => name === tool.name) === i)
      .map((tool) => describeTool(tool, kernel.operations)),
    progressMs: options.progressMs ?? PROGRESS_MS,
    fixtures: options.fixtures,
    inFlight: new Map(),
    onBug,
  };
  const asked = new AsyncLocalStorage<Asker>();
  const watch = (reader: string | undefined, changed: (uri: string) => void) =>
    new Watch(kernel.feed, { resources: shown.resources, reader, changed });

  /** Each stream watches for itself: what it is told depends on who asks. */
  const bus: ServerEventBus = {
    publish: () => {},
    subscribe(listener) {
      const { agent, uris } = asked.getStore() ?? { agent: undefined, uris: [] };
      const own = watch(agent, (uri) => listener({ kind: 'resource_updated', uri }));
      for (const uri of uris) own.add(uri);
      return () => own.close();
    },
  };
  const handler = createMcpHandler(() => createServer(parts, { agent: undefined }), {
    bus,
    maxSubscriptions: Number.MAX_SAFE_INTEGER,
    onerror: (error) => log.debug({ err: error }, 'mcp'),
  });
  const handle = toNodeHandler(handler, { onerror: (error) => onBug(error, '/mcp') });
  const sessions = new Sessions({ ...SESSIONS, ...options.sessions });

  const close = async () => {
    for (const waiting of parts.inFlight.values()) waiting.abort();
    await Promise.race([Promise.allSettled(parts.inFlight.keys()), setTimeout(GRACE_MS, undefined, { ref: false })]);
    await setImmediate();
    await Promise.all([handler.close(), sessions.close()]);
  };

  const serve = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    const agent = agentOfRequest(request);
    // The library makes a request of its own out of the headers.
    if (agent !== undefined) request.raw.headers['x-agent'] = agent;
    const id = request.headers['mcp-session-id'];
    const session = typeof id === 'string' ? sessions.get(id) : undefined;
    if (agent !== undefined && session?.agent !== undefined && agent !== session.agent)
      throw new Refusal('actor_mismatch', `This session is ${session.agent}'s.`);
    const call = directCall(request, session !== undefined);
    if (call && caller.has(call.name) && !caller.waits(call.name, call.input)) {
      const done = session && sessions.use(session);
      try {
        return await answer(call, agent ?? session?.agent, reply);
      } finally {
        done?.();
      }
    }
    const older = isOlder(request) && (id !== undefined || isHandshake(request.body));
    return older ? answerSession(request, reply, session, agent) : answerStateless(request, reply, agent);
  };

  const answer = async (call: DirectCall, agent: string | undefined, reply: FastifyReply) => {
    const result = await caller.call(call.name, call.input, { agent, maxWait: MAX_WAIT });
    return reply.header('content-type', 'application/json').send(writeResult(call, result, shown));
  };

  /** The revision that says everything with every request, and older clients that begin without a handshake. */
  const answerStateless = async (request: FastifyRequest, reply: FastifyReply, agent: string | undefined) => {
    const { body, raw } = request;
    const uris = watchedBy(body);
    if (uris === undefined) {
      hijack(reply);
      await handle(raw as NodeRequest, reply.raw, body);
      return reply;
    }
    if (uris.length > MAX_WATCHED) throw new Refusal('too_large', `A stream watches at most ${MAX_WATCHED} resources.`);
    openStream(reply, agent);
    await asked.run({ agent, uris }, () => handle(raw as NodeRequest, reply.raw, body));
    return reply;
  };

  /** The revisions that begin with a handshake. */
  const answerSession = async (
    request: FastifyRequest,
    reply: FastifyReply,
    known: Session | undefined,
    agent: string | undefined,
  ) => {
    let session = known;
    if (session === undefined && isHandshake(request.body)) {
      session = await sessions.begin(agent, ({ changed }) => {
        const own = watch(agent, changed);
        return { server: createServer(parts, { agent, watch: own }), watch: own };
      });
      if (session === undefined) throw new Refusal('overloaded', 'Too many sessions are open.', { retryAfter: 5 });
    }
    if (session === undefined)
      return reply
        .code(404)
        .header('content-type', 'application/json')
        .send(JSON.stringify({ jsonrpc: '2.0', error: { code: -32001, message: 'Session not found' }, id: null }));
    reply.raw.once('close', sessions.use(session));
    if (request.method === 'GET') openStream(reply, session.agent);
    else hijack(reply);
    const { transport } = session;
    const fetch = toNodeHandler({ fetch: async (each, more) => begun(await transport.handleRequest(each, more)) });
    await fetch(request.raw as NodeRequest, reply.raw, request.body);
    return reply;
  };

  const openStream = (reply: FastifyReply, agent: string | undefined) => {
    if (streams.full) throw new Refusal('overloaded', 'Too many streams are open.', { retryAfter: 5 });
    hijack(reply);
    new OpenStream(reply.raw, { kernel, streams, settings, agent });
  };

  return { serve, close };
}

const FIRST = new TextEncoder().encode(': open\n\n');

/** A stream says something at once: its head would wait for its first byte, and its client for the head. */
function begun(response: Response): Response {
  if (response.body === null || !response.headers.get('content-type')?.startsWith('text/event-stream')) return response;
  const begins = new TransformStream<Uint8Array, Uint8Array>({ start: (controller) => controller.enqueue(FIRST) });
  return new Response(response.body.pipeThrough(begins), response);
}

/** What hooks have set, such as CORS headers, goes out with the answer that the library writes. */
function hijack(reply: FastifyReply): void {
  const headers = reply.getHeaders();
  reply.hijack();
  for (const [name, value] of Object.entries(headers)) if (value !== undefined) reply.raw.setHeader(name, value);
}

/** Who calls: the X-Agent header or the `agent` parameter, and not two. */
function agentOfRequest({ headers, query }: FastifyRequest): string | undefined {
  const header = headers['x-agent'];
  const parameter = (query as { agent?: string | string[] }).agent;
  if (Array.isArray(header) || Array.isArray(parameter))
    throw new Refusal('malformed_request', 'The agent is given more than once.');
  if (header !== undefined && parameter !== undefined && header !== parameter)
    throw new Refusal('actor_mismatch', 'X-Agent and the agent parameter differ.');
  const agent = header ?? parameter;
  return agent === undefined ? undefined : checkAgent(agent);
}

/** True where a request is of a revision that begins with a handshake, as the library has it. */
function isOlder({ method, headers, body }: FastifyRequest): boolean {
  const protocolVersionHeader = headers['mcp-protocol-version'];
  const { kind } = classifyInboundRequest({
    httpMethod: method,
    ...(typeof protocolVersionHeader === 'string' && { protocolVersionHeader }),
    ...(body !== undefined && { body }),
  });
  return kind === 'legacy';
}

function isHandshake(body: unknown): boolean {
  return body !== null && typeof body === 'object' && (body as { method?: unknown }).method === 'initialize';
}

/** The resources that a request asks to watch; undefined where it is no such request. */
function watchedBy(body: unknown): string[] | undefined {
  const { method, params } = (body ?? {}) as {
    method?: unknown;
    params?: { notifications?: { resourceSubscriptions?: unknown } };
  };
  if (method !== 'subscriptions/listen') return undefined;
  const uris = params?.notifications?.resourceSubscriptions;
  return Array.isArray(uris) ? uris.filter((uri) => typeof uri === 'string') : [];
}
