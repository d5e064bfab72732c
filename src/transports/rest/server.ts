import Fastify, { type FastifyBaseLogger, type FastifyInstance, type FastifyRequest, LogController } from 'fastify';
import { Refusal } from '../../kernel/errors.ts';
import type { Guard } from '../guard/guard.ts';
import { checkBodyType, readJsonBodies } from './json-body.ts';
import { asRefusal, sendProblem } from './problem.ts';
import { answerUnreadable } from './unreadable.ts';

export interface HttpServerOptions {
  guard: Guard;
  logger: FastifyBaseLogger;
  /** Seq of the newest event that may be shown: what a refusal stands at. */
  head: () => number;
}

/** A socket whose upgrade was answered otherwise is nobody's any more: Node has no time-out for it, and does not close it. */
function hangUpWhereUpgraded({ headers, raw }: Pick<FastifyRequest, 'headers' | 'raw'>): void {
  if (headers.upgrade !== undefined) raw.socket.destroySoon();
}

function noSchemas(): never {
  throw new Error('routes have no schemas here');
}

/** An HTTP server that lets in what the guard lets in, reads JSON only, and says every refusal as a problem. */
export function createHttpServer({ guard, logger, head }: HttpServerOptions): FastifyInstance {
  const app: FastifyInstance = Fastify({
    loggerInstance: logger,
    // A logger of its own for each request costs a tenth of the request.
    childLoggerFactory: (parent) => parent,
    logController: new LogController({ disableRequestLogging: true }),
    requestTimeout: 30_000,
    keepAliveTimeout: 72_000,
    forceCloseConnections: true,
    onProtoPoisoning: 'error',
    onConstructorPoisoning: 'error',
    exposeHeadRoutes: false,
    routerOptions: { maxParamLength: 256 },
    return503OnClosing: false,
    // Inputs are checked by the table. Left to itself, Fastify loads two compilers at every start.
    schemaController: { compilersFactory: { buildValidator: noSchemas, buildSerializer: noSchemas } },
    clientErrorHandler: answerUnreadable,
    // A request without a Host is the guard's to refuse, with a reason.
    http: {
      requireHostHeader: false,
      headersTimeout: 10_000,
      connectionsCheckingInterval: 5_000,
      maxHeaderSize: 16 * 1024,
    },
    frameworkErrors: (error, request, reply) => {
      try {
        guard.check(request.raw);
        sendProblem(reply as never, error);
      } catch (refusal) {
        sendProblem(reply as never, refusal);
      }
      reply.raw.once('finish', () => hangUpWhereUpgraded(request));
    },
  });
  readJsonBodies(app);

  let closing = false;
  app.addHook('preClose', (done) => {
    closing = true;
    done();
  });
  app.addHook('onRequest', (request, _, done) => {
    try {
      if (closing) throw new Refusal('shutting_down', 'The server is stopping.', { retryAfter: 1 });
      guard.check(request.raw);
      checkBodyType(request.headers);
      done();
    } catch (error) {
      done(error as Error);
    }
  });
  app.addHook('onResponse', (request, _, done) => {
    hangUpWhereUpgraded(request);
    done();
  });
  if (logger.level === 'debug' || logger.level === 'trace') {
    app.addHook('onResponse', (request, reply, done) => {
      request.log.debug(
        {
          method: request.method,
          url: request.url,
          status: reply.statusCode,
          ms: Math.round(reply.elapsedTime * 10) / 10,
        },
        'request',
      );
      done();
    });
  }
  app.setErrorHandler((error, request, reply) => {
    if (asRefusal(error) === undefined)
      request.log.error({ err: error, method: request.method, url: request.url }, 'a fault of the server');
    return sendProblem(reply.header('x-seq', head()), error);
  });
  const routes: { method: string; pattern: RegExp }[] = [];
  app.addHook('onRoute', ({ method, url }) => {
    const pattern = new RegExp(`^${url.replace(/[.*+?^${}()|[\]\\]/g, '\\$&').replace(/:\w+/g, '[^/]+')}$`);
    for (const name of [method].flat()) routes.push({ method: name, pattern });
  });
  app.setNotFoundHandler((request, reply) => {
    reply.header('x-seq', head());
    const path = request.url.split('?')[0] ?? '';
    const methods = [...new Set(routes.filter(({ pattern }) => pattern.test(path)).map(({ method }) => method))];
    if (methods.length === 0 || methods.includes(request.method))
      return sendProblem(
        reply,
        new Refusal('route_not_found', `There is no ${request.method} ${path.slice(0, 120)}.`, { error: 'Not found' }),
      );
    reply.header('allow', methods.join(', '));
    return sendProblem(reply, new Refusal('method_not_allowed', `${path.slice(0, 120)} takes ${methods.join(', ')}.`));
  });
  return app;
}
