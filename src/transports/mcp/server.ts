import {
  type GetPromptResult,
  ProtocolError,
  ProtocolErrorCode,
  type ReadResourceResult,
  ResourceNotFoundError,
  Server,
  type ServerContext,
} from '@modelcontextprotocol/server';
import { Refusal, toProblem } from '../../kernel/errors.ts';
import type { Kernel } from '../../kernel/kernel.ts';
import type { ToolCaller } from './call.ts';
import type { Fixtures } from './fixtures.ts';
import { placeOf, type Watch } from './resources.ts';
import type { Input, Surface } from './surface.ts';
import type { ListedTool } from './tool-list.ts';

/** Seconds that a call waits at most where its client is shown no progress: hosts give up after 60, some after 30. */
export const MAX_WAIT = 25;
/** The same where progress is shown. */
const MAX_WAIT_WITH_PROGRESS = 600;

export interface McpParts {
  kernel: Kernel;
  surface: Surface;
  caller: ToolCaller;
  /** What `tools/list` answers, made once. */
  listed: readonly ListedTool[];
  /** Milliseconds between two signs of progress. */
  progressMs: number;
  fixtures?: Fixtures | undefined;
  /** Calls that are not answered yet, and what ends their waiting. */
  inFlight: Map<Promise<unknown>, AbortController>;
  onBug: (error: unknown, what: string) => void;
}

/** Who is served, and what ends it. */
export interface Served {
  /** The agent that a session named when it began. */
  agent: string | undefined;
  /** What the older era watches: a session's. */
  watch?: Watch | undefined;
}

/** A server of the library for one request or one session. It only points to what was made once. */
export function createServer(parts: McpParts, served: Served): Server {
  const { surface, fixtures } = parts;
  const { name, title, version, instructions } = surface;
  const server = new Server(
    { name, title, version },
    {
      capabilities: {
        tools: {},
        resources: { subscribe: true },
        prompts: {},
        ...(fixtures && { completions: {}, logging: {} }),
      },
      instructions,
      ...(fixtures && { requestState: { verify: fixtures.verify } }),
    },
  );
  const tools = { tools: [...parts.listed, ...(fixtures?.tools.map(({ listed }) => listed) ?? [])] };
  server.setRequestHandler('tools/list', async () => tools as never);
  server.setRequestHandler('tools/call', async ({ params }, context) => {
    const fixture = fixtures?.tools.find(({ listed }) => listed.name === params.name);
    if (fixture) return (await fixture.call(params.arguments ?? {}, context)) as never;
    const abort = new AbortController();
    const end = () => abort.abort();
    if (context.mcpReq.signal.aborted) end();
    else context.mcpReq.signal.addEventListener('abort', end, { once: true });
    const answer = callTool(
      parts,
      agentOf(context, served),
      params.name,
      params.arguments ?? {},
      context,
      abort.signal,
    );
    parts.inFlight.set(answer, abort);
    try {
      return (await answer) as never;
    } finally {
      parts.inFlight.delete(answer);
      context.mcpReq.signal.removeEventListener('abort', end);
    }
  });
  addResources(server, parts, served);
  addPrompts(server, parts);
  if (fixtures) server.setRequestHandler('completion/complete', async () => ({ completion: { values: [] } }));
  return server;
}

async function callTool(
  { caller, progressMs }: McpParts,
  agent: string | undefined,
  name: string,
  input: Input,
  { mcpReq }: ServerContext,
  signal: AbortSignal,
) {
  if (!caller.has(name))
    throw new ProtocolError(
      ProtocolErrorCode.InvalidParams,
      `There is no tool "${name.slice(0, 80)}"; tools/list shows them.`,
    );
  const token = mcpReq._meta?.progressToken;
  if (token === undefined) return caller.call(name, input, { agent, signal, maxWait: MAX_WAIT });
  let progress = 0;
  const tell = () => {
    progress += 1;
    const params = { progressToken: token, progress, message: 'still waiting' };
    // A client that is gone ends the call by its signal.
    mcpReq.notify({ method: 'notifications/progress', params }).catch(() => {});
  };
  const timer = setInterval(tell, progressMs);
  try {
    return await caller.call(name, input, { agent, signal, maxWait: MAX_WAIT_WITH_PROGRESS });
  } finally {
    clearInterval(timer);
  }
}

/** Who calls: what the request says or, in a session, what its beginning said. */
function agentOf({ http }: ServerContext, { agent }: Served): string | undefined {
  return http?.req?.headers.get('x-agent') ?? agent;
}

function addResources(server: Server, { kernel, surface, fixtures, onBug }: McpParts, served: Served): void {
  const { watch } = served;
  const describe = ({ name, title, description }: Surface['resources'][number]) => ({
    name,
    title,
    description,
    mimeType: 'application/json',
  });
  const whole = surface.resources.filter(({ uri }) => !uri.includes('{'));
  const templates = surface.resources.filter(({ uri }) => uri.includes('{'));
  const resources = [...whole.map((each) => ({ uri: each.uri, ...describe(each) })), ...(fixtures?.resources ?? [])];
  const resourceTemplates = [
    ...templates.map((each) => ({ uriTemplate: each.uri, ...describe(each) })),
    ...(fixtures?.templates ?? []),
  ];
  server.setRequestHandler('resources/list', async () => ({ resources }));
  server.setRequestHandler('resources/templates/list', async () => ({ resourceTemplates }));
  server.setRequestHandler('resources/read', async ({ params: { uri } }, context): Promise<ReadResourceResult> => {
    const fixture = fixtures?.read(uri);
    if (fixture) return { contents: [fixture] };
    const place = placeOf(surface.resources, uri);
    if (place === undefined) throw new ResourceNotFoundError(uri);
    const { operation, input } = place.resource.read(place.value);
    try {
      const { value } = await kernel.call(operation, input, { agent: agentOf(context, served) });
      return { contents: [{ uri, mimeType: 'application/json', text: JSON.stringify(value) }] };
    } catch (error) {
      throw asProtocolError(error, uri, onBug);
    }
  });
  if (watch === undefined) return;
  server.setRequestHandler('resources/subscribe', async ({ params: { uri } }) => {
    if (watch.size >= MAX_WATCHED) throw new ProtocolError(ProtocolErrorCode.InvalidRequest, 'Too many subscriptions.');
    if (!watch.add(uri) && !fixtures?.read(uri)) throw new ResourceNotFoundError(uri);
    return {};
  });
  server.setRequestHandler('resources/unsubscribe', async ({ params: { uri } }) => {
    watch.remove(uri);
    return {};
  });
}

/** Resources that one session, or one stream, watches at most. */
export const MAX_WATCHED = 256;

/** A refusal as an error of the protocol: what is not there is told as such, with the words of the catalogue. */
function asProtocolError(error: unknown, uri: string, onBug: McpParts['onBug']): Error {
  if (!(error instanceof Refusal)) onBug(error, `resource ${uri.slice(0, 80)}`);
  const { status, code, detail, hint } = toProblem(error);
  if (status === 404 || status === 410) return new ResourceNotFoundError(uri, detail);
  const kind = status >= 500 ? ProtocolErrorCode.InternalError : ProtocolErrorCode.InvalidParams;
  return new ProtocolError(kind, `${code}: ${detail}`, { uri, code, hint });
}

function addPrompts(server: Server, { surface, fixtures }: McpParts): void {
  const prompts = [
    ...surface.prompts.map(({ name, title, description, arguments: args }) => ({
      name,
      title,
      description,
      arguments: [...args],
    })),
    ...(fixtures?.prompts.map(({ listed }) => listed) ?? []),
  ];
  server.setRequestHandler('prompts/list', async () => ({ prompts }));
  server.setRequestHandler('prompts/get', async ({ params }, context): Promise<GetPromptResult> => {
    const values = params.arguments ?? {};
    const fixture = fixtures?.prompts.find(({ listed }) => listed.name === params.name);
    if (fixture) return (await fixture.get(values, context)) as never;
    const prompt = surface.prompts.find(({ name }) => name === params.name);
    if (prompt === undefined)
      throw new ProtocolError(ProtocolErrorCode.InvalidParams, `There is no prompt "${params.name.slice(0, 80)}".`);
    const missing = prompt.arguments.filter(({ name, required }) => required && !values[name]);
    if (missing.length > 0)
      throw new ProtocolError(
        ProtocolErrorCode.InvalidParams,
        `${prompt.name} needs ${missing.map(({ name }) => name).join(', ')}.`,
      );
    const text = prompt.render(values);
    return { description: prompt.description, messages: [{ role: 'user', content: { type: 'text', text } }] };
  });
}
