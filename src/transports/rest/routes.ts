import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { z } from 'zod';
import type { HttpRoute, Operation } from '../../kernel/capability.ts';
import { Refusal } from '../../kernel/errors.ts';
import type { Kernel } from '../../kernel/kernel.ts';
import { findOperation } from '../../kernel/table.ts';
import type { Caller } from '../../kernel/validate.ts';

/** Opens a stream for a request whose answer is one. */
export type OpenStream = (
  operation: Operation & { kind: 'query' },
  input: Record<string, unknown>,
  caller: Caller,
  request: FastifyRequest,
  reply: FastifyReply,
) => Promise<FastifyReply>;

/** Adds a route for every row of the table. Requests that wait are answered when the server closes. */
export function addRoutes(app: FastifyInstance, kernel: Kernel, openStream: OpenStream): void {
  const waiting = new Set<AbortController>();
  app.addHook('preClose', (done) => {
    for (const each of waiting) each.abort();
    done();
  });
  for (const operation of kernel.operations.values()) {
    for (const route of operation.http) addRoute(app, kernel, operation, route, openStream, waiting);
  }
  addCall(app, kernel, waiting);
}

/** Any operation by its name, with its input as the body, as a `call` on /ws has it: for programs, which know names and no paths. */
function addCall(app: FastifyInstance, kernel: Kernel, waiting: Set<AbortController>): void {
  app.post('/call/:operation', (request, reply) => {
    const operation = findOperation(kernel.operations, (request.params as { operation: string }).operation);
    const input = objectOf(request.body);
    const { wait } = operation.input.shape as { wait?: z.ZodType };
    const waits = wait !== undefined && asksToWait(input, wait.safeParse(undefined).data);
    return answer(
      kernel,
      operation,
      input,
      callerOf(request, reply, false, waits ? waiting : undefined),
      request,
      reply,
    );
  });
}

function addRoute(
  app: FastifyInstance,
  kernel: Kernel,
  operation: Operation,
  route: HttpRoute,
  openStream: OpenStream,
  waiting: Set<AbortController>,
): void {
  const [method, url] = route.split(' ') as [string, string];
  const namesCaller = operation.actor !== 'agent' && !('agent' in operation.input.shape);
  const { wait } = operation.input.shape as { wait?: z.ZodType };
  const waits = wait !== undefined;
  const unasked = wait?.safeParse(undefined).data;
  app.route({
    method,
    url,
    handler: (request, reply) => {
      const input = inputOf(request, waits);
      const caller = callerOf(request, reply, namesCaller, waits && asksToWait(input, unasked) ? waiting : undefined);
      if (operation.kind === 'query' && streams(operation, request))
        return openStream(operation, input, caller, request, reply);
      return answer(kernel, operation, input, caller, request, reply);
    },
  });
}

function streams({ stream }: Operation & { kind: 'query' }, { headers }: FastifyRequest): boolean {
  return stream !== undefined && (stream.when === 'always' || (headers.accept ?? '').includes('text/event-stream'));
}

/** Seconds that a request may wait. */
const MAX_WAIT = 600;

/** One object of what the query, the body and the path say; the path wins. */
function inputOf(request: FastifyRequest, waits: boolean): Record<string, unknown> {
  const input = merge(request.query as object, objectOf(request.body), request.params as object);
  const prefer =
    waits && input.wait === undefined
      ? /(?:^|[,;\s])wait=(\d+)/.exec(String(request.headers.prefer ?? ''))?.[1]
      : undefined;
  // A preference is not an order: as long as the server waits at most, where it asks for longer.
  if (prefer !== undefined) input.wait = Math.min(Number(prefer), MAX_WAIT);
  return input;
}

function objectOf(body: unknown): Record<string, unknown> {
  if (body !== undefined && body !== null && (typeof body !== 'object' || Array.isArray(body)))
    throw new Refusal('malformed_json', 'The body must be one JSON object.');
  return (body ?? {}) as Record<string, unknown>;
}

/** One object of three; the last wins. Most requests have a body alone. */
function merge(query: object, body: object, params: object): Record<string, unknown> {
  if (isEmpty(query) && isEmpty(params)) return body as Record<string, unknown>;
  return { ...query, ...body, ...params };
}

/** Whoever may wait long is watched, so that nothing is done for one who has gone. */
function asksToWait({ wait }: Record<string, unknown>, unasked: unknown): boolean {
  const seconds = wait ?? unasked;
  return seconds !== undefined && seconds !== 0 && seconds !== '0';
}

function isEmpty(object: object): boolean {
  for (const _ in object) return false;
  return true;
}

/** Who calls: the X-Agent header or, where the operation has no such field itself, the `agent` parameter. */
function callerOf(
  request: FastifyRequest,
  reply: FastifyReply,
  namesCaller: boolean,
  waiting: Set<AbortController> | undefined,
): Caller {
  const header = single(request.headers['x-agent'], 'X-Agent');
  const parameter = namesCaller ? single((request.query as { agent?: string | string[] }).agent, 'agent') : undefined;
  if (header !== undefined && parameter !== undefined && header !== parameter)
    throw new Refusal(
      'actor_mismatch',
      `X-Agent says "${header.slice(0, 80)}", the agent parameter "${parameter.slice(0, 80)}".`,
    );
  const idempotencyKey = single(request.headers['idempotency-key'], 'Idempotency-Key');
  const caller = {
    agent: header ?? parameter,
    idempotencyKey,
    ifMatch: single(request.headers['if-match'], 'If-Match'),
  };
  if (waiting === undefined) return caller;
  const abort = new AbortController();
  waiting.add(abort);
  reply.raw.once('close', () => {
    waiting.delete(abort);
    abort.abort();
  });
  return { ...caller, signal: abort.signal };
}

function single(value: string | string[] | undefined, name: string): string | undefined {
  if (Array.isArray(value)) throw new Refusal('malformed_request', `${name} is given more than once.`);
  return value;
}

async function answer(
  kernel: Kernel,
  operation: Operation,
  input: Record<string, unknown>,
  caller: Caller,
  { headers }: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const { value, seq, etag, agent, replayed } = await kernel.run(operation, input, caller);
  reply.header('x-seq', seq).header('content-type', 'application/json; charset=utf-8');
  if (etag !== undefined) reply.header('etag', etag);
  if (replayed) reply.header('idempotent-replay', 'true');
  if (agent !== undefined) {
    const counters = kernel.counters(agent);
    for (const name in counters) reply.header(`x-${name}`, counters[name]);
  }
  const text = operation.kind === 'query' ? operation.text : undefined;
  if (text !== undefined && (headers.accept ?? '').includes(text.type))
    return reply.header('content-type', `${text.type}; charset=utf-8`).send(text.render(value));
  return reply.send(JSON.stringify(value));
}
