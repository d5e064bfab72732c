import type { WebSocket } from 'ws';

/**
 * Why we close a WebSocket: RFC 6455 section 7.4, and ours from 4400 on; `ws` itself closes with 1002, 1007 and 1009.
 * docs/reference/websocket.md says when each comes.
 */
export const CLOSE = {
  goingAway: 1001,
  restart: 1012,
  overloaded: 1013,
  badFrame: 4400,
  unauthenticated: 4401,
  forbidden: 4403,
  cursorGone: 4410,
  tooManyCalls: 4429,
  stalled: 4430,
} as const;

/** Bytes of a close frame's reason at most: RFC 6455 section 5.5. */
const REASON_BYTES = 123;

/** Closes with a code and as much of the reason as a close frame holds. */
export function closeSocket(socket: WebSocket, code: number, reason: string): void {
  // The last character may be cut in two; what is left of it is left out.
  const bytes = Buffer.from(reason);
  const text =
    bytes.length <= REASON_BYTES ? reason : bytes.toString('utf8', 0, REASON_BYTES - 3).replace(/\ufffd$/, '');
  socket.close(code, text);
}
