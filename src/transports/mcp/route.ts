import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { toProblem } from '../../kernel/errors.ts';
import { asRefusal } from '../rest/problem.ts';
import type { Mcp, McpOptions, OnBug } from './mcp.ts';

/** Adds /mcp. Its library takes some 80 ms to load, and many a server is never asked: the first request loads it. */
export function addMcp(app: FastifyInstance, options: McpOptions): void {
  const onBug: OnBug = (error, what) => app.log.error({ err: error, what }, 'a fault of the server');
  let opened: Promise<Mcp> | undefined;
  const open = () => (opened ??= import('./mcp.ts').then(({ createMcp }) => createMcp(options, app.log, onBug)));
  app.addHook('preClose', async () => (await opened)?.close());
  app.route({
    method: ['GET', 'POST', 'DELETE'],
    url: '/mcp',
    handler: async (request, reply) => (await open()).serve(request, reply),
    errorHandler: (error, request, reply) => {
      if (asRefusal(error) === undefined) onBug(error, '/mcp');
      return sendError(error, request, reply);
    },
  });
}

/** A refusal before there is a call: an error of JSON-RPC with the status that every door has. */
function sendError(thrown: unknown, { body }: FastifyRequest, reply: FastifyReply): FastifyReply {
  const refusal = asRefusal(thrown);
  const { status, code, detail, hint } = toProblem(refusal ?? thrown);
  const number = code === 'malformed_json' ? -32700 : status >= 500 ? -32603 : -32600;
  const { id = null } = (body ?? {}) as { id?: unknown };
  if (refusal?.options.retryAfter !== undefined) reply.header('retry-after', refusal.options.retryAfter);
  return reply
    .code(status)
    .header('content-type', 'application/json')
    .send(
      JSON.stringify({
        jsonrpc: '2.0',
        error: { code: number, message: `${code}: ${detail}`, data: { code, hint } },
        id,
      }),
    );
}
