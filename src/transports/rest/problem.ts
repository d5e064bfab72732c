import { STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import type { FastifyReply } from 'fastify';
import { type Problem, Refusal, toProblem } from '../../kernel/errors.ts';

const PROBLEM_TYPE = 'application/problem+json; charset=utf-8';

interface HttpError {
  statusCode?: number;
  code?: string;
  message?: string;
}

/** Turns what the HTTP layer throws into the words of the catalogue. Undefined: it is a bug. */
function fromHttp({ statusCode, code, message = '' }: HttpError): Refusal | undefined {
  switch (code) {
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return new Refusal('too_large', 'The body holds more than 1 MiB.');
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
      return new Refusal('not_json', 'The body is not application/json.');
    case 'FST_ERR_CTP_EMPTY_JSON_BODY':
      return new Refusal('malformed_json', 'The body is empty.');
    case 'FST_ERR_CTP_INVALID_JSON_BODY':
      return new Refusal('malformed_json', 'The body is not valid JSON, or reaches for "__proto__".');
    case 'FST_ERR_BAD_URL':
      return new Refusal('malformed_request', 'The path is not valid.');
    case 'FST_ERR_MAX_PARAM_LENGTH':
      return new Refusal('malformed_request', 'A part of the path is too long.');
  }
  if (statusCode === 413) return new Refusal('too_large', message);
  if (statusCode === 415) return new Refusal('not_json', message);
  return statusCode !== undefined && statusCode >= 400 && statusCode < 500
    ? new Refusal('malformed_request', message)
    : undefined;
}

/** The Refusal that a thrown value is to the caller; a bug stays what it is. */
export function asRefusal(thrown: unknown): Refusal | undefined {
  if (thrown instanceof Refusal) return thrown;
  return thrown !== null && typeof thrown === 'object' ? fromHttp(thrown as HttpError) : undefined;
}

/** Sends a problem with its status and, where a retry helps, when. */
export function sendProblem(reply: FastifyReply, thrown: unknown): FastifyReply {
  const refusal = asRefusal(thrown);
  const problem: Problem = toProblem(refusal ?? thrown);
  if (refusal?.options.retryAfter !== undefined) reply.header('retry-after', refusal.options.retryAfter);
  return reply.code(problem.status).header('content-type', PROBLEM_TYPE).send(JSON.stringify(problem));
}

/** Answers with a problem on a socket that no HTTP answer belongs to, and hangs up. */
export function endWithProblem(socket: Duplex, refusal: Refusal, headers: Record<string, string> = {}): void {
  const problem = toProblem(refusal);
  const body = JSON.stringify(problem);
  const lines = Object.entries({
    ...headers,
    'content-type': PROBLEM_TYPE,
    'content-length': Buffer.byteLength(body),
    connection: 'close',
  }).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.end(`HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status]}\r\n${lines.join('')}\r\n${body}`, () =>
    socket.destroy(),
  );
}
