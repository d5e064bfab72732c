import websocket from '@fastify/websocket';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { nanoid } from 'nanoid';
import type { WebSocket } from 'ws';
import { Refusal } from '../../kernel/errors.ts';
import type { Kernel } from '../../kernel/kernel.ts';
import { checkAgent } from '../../kernel/validate.ts';
import { endWithProblem } from '../rest/problem.ts';
import type { Stream, StreamSettings, Streams } from '../streams.ts';
import { CLOSE, closeSocket } from './close-codes.ts';
import { FeedSocket } from './feed-socket.ts';
import { LIMITS } from './frames.ts';
import { HubClient } from './hub.ts';

export interface WsOptions {
  kernel: Kernel;
  streams: Streams;
  settings: StreamSettings;
}

const PROTOCOL = 'reflectt.v1';

/** Codes by which a client says goodbye: 1000, or none (which is shown as 1005). 1001 is a page that may come back. */
const ORDERLY = new Set([1000, 1005]);

/** Adds /ws and the WebSockets of capabilities. The guard has seen an upgrade before it comes here. */
export async function addWebSockets(app: FastifyInstance, { kernel, streams, settings }: WsOptions): Promise<void> {
  await app.register(websocket, {
    options: {
      maxPayload: LIMITS.frame_bytes,
      perMessageDeflate: false,
      clientTracking: false,
      handleProtocols: (offered) => (offered.has(PROTOCOL) ? PROTOCOL : false),
    },
    // Streams are ended by their owner, with a reason.
    preClose: (done) => done(),
  });

  app.websocketServer.on('wsClientError', ({ message }, socket) =>
    endWithProblem(socket, new Refusal('malformed_request', `${message}.`), {
      'x-seq': String(kernel.feed.head),
      // A refusal says which versions there are: RFC 6455, section 4.4.
      'sec-websocket-version': '13, 8',
    }),
  );

  app.addHook('onRequest', (request, _, done) => {
    const speaks = (request.routeOptions.config as { websocket?: boolean }).websocket === true || request.is404;
    done(request.ws && !speaks ? noUpgrade(request) : undefined);
  });

  const route = (
    path: string,
    open: (socket: WebSocket, request: FastifyRequest, agent: string | undefined) => Stream,
  ) => {
    app.route({
      method: 'GET',
      url: path,
      config: { websocket: true },
      preValidation: (request, _, done) => done(refusalOf(request)),
      handler() {
        throw new Refusal('malformed_request', `${path} speaks WebSocket: ask for an upgrade.`);
      },
      wsHandler: (socket, request) => {
        if (streams.full) {
          closeSocket(socket, CLOSE.overloaded, 'too many streams are open');
          return;
        }
        const agent = agentOf(request);
        const stream = open(socket, request, agent);
        const forget = streams.add(stream);
        const left = kernel.feed.opened(path);
        const gone = agent === undefined ? undefined : kernel.sightings.opened(agent);
        socket.once('close', (code) => {
          forget();
          left();
          gone?.(ORDERLY.has(code));
        });
      },
    });
  };

  route(
    '/ws',
    (socket, request, agent) =>
      new HubClient(socket, request.raw.socket, {
        kernel,
        settings,
        id: nanoid(10),
        agent,
        onBug: (error, op) => request.log.error({ err: error, op }, 'a fault of the server'),
      }),
  );

  for (const capability of kernel.capabilities) {
    for (const spec of capability.sockets ?? []) {
      route(spec.path, (socket, request, agent) => {
        const client = new FeedSocket(socket, request.raw.socket, spec, settings, kernel.feed, agent);
        client.start(kernel, agent, (request.query as { after?: string }).after).catch((error: unknown) => {
          if (!(error instanceof Refusal)) request.log.error({ err: error, path: spec.path }, 'a fault of the server');
          closeSocket(
            socket,
            error instanceof Refusal && error.code === 'invalid_cursor' ? CLOSE.badFrame : CLOSE.overloaded,
            error instanceof Refusal ? error.message : 'a fault of the server',
          );
        });
        return client;
      });
    }
  }
}

/** Node hands every upgrade to whoever takes one, so clients that try for HTTP/2 (h2c) come here too. */
function noUpgrade({ headers }: FastifyRequest): Refusal {
  const protocol = String(headers.upgrade).slice(0, 40);
  const detail =
    protocol.toLowerCase() === 'websocket'
      ? 'There is no WebSocket at this path.'
      : `The server upgrades to WebSocket alone, not to "${protocol}": use HTTP/1.1 without an Upgrade header.`;
  return new Refusal('malformed_request', detail);
}

function agentOf({ query, headers }: FastifyRequest): string | undefined {
  return (query as { agent?: string }).agent ?? (headers['x-agent'] as string | undefined);
}

/** What is wrong with an upgrade, where something is; it is answered before there is a socket. */
function refusalOf(request: FastifyRequest): Refusal | undefined {
  try {
    const parameter = (request.query as { agent?: unknown }).agent;
    const header = request.headers['x-agent'];
    if (parameter !== undefined && header !== undefined && parameter !== header)
      throw new Refusal('actor_mismatch', 'X-Agent and the agent parameter differ.');
    const agent = parameter ?? header;
    if (agent !== undefined) checkAgent(String(agent));
    return undefined;
  } catch (error) {
    if (error instanceof Refusal) return error;
    throw error;
  }
}
