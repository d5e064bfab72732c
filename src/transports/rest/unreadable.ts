import type { Socket } from 'node:net';
import { Refusal } from '../../kernel/errors.ts';
import { endWithProblem } from './problem.ts';

/** Answers what is no HTTP request, or did not arrive in time, and hangs up. */
export function answerUnreadable(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) socket.destroy();
  else endWithProblem(socket, new Refusal('malformed_request', describe(error.code)));
}

function describe(code: string | undefined): string {
  if (code === 'HPE_HEADER_OVERFLOW') return 'The headers are too large.';
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return 'The request did not arrive in time.';
  return 'This is not HTTP/1.1.';
}
