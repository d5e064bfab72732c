/** Why a WebSocket was closed: RFC 6455 section 7.4, and ours from 4400 on. docs/reference/websocket.md says when each comes. */
export const CLOSE = {
  goingAway: 1001,
  tooBig: 1009,
  restart: 1012,
  overloaded: 1013,
  badFrame: 4400,
  unauthenticated: 4401,
  forbidden: 4403,
  cursorGone: 4410,
  tooManyCalls: 4429,
  stalled: 4430,
} as const;
