import type { Address } from './call.ts';
import { Broken, type Door, type End, type Receiver, resetReason, retryMs, type Wish } from './delivery.ts';
import { ConnectionError, ProblemError, problemOf } from './errors.ts';

/** What a WebSocket is here: that of browsers, and that of the package `ws`. */
export interface Socket {
  onopen: (() => void) | null;
  onmessage: ((event: { data: unknown }) => void) | null;
  onclose: ((event: { code: number; reason: string }) => void) | null;
  onerror: ((event: unknown) => void) | null;
  send(text: string): void;
  close(code?: number, reason?: string): void;
}

export type OpenSocket = (url: string, protocol: string) => Socket;

export interface DoorSettings extends Address {
  /** A connection that is silent for so many milliseconds is dead: the server says how far it is every 15 s. */
  silenceMs: number;
  /** Milliseconds between two looks at how long an answer takes. */
  pingMs: number;
}

/** Codes after which a new connection would end as this one did. */
const FATAL = new Set([1002, 1003, 1007, 1008, 1009, 4400, 4401, 4403]);
/** What we close with where it is not to be read as a goodbye: docs/reference/websocket.md. */
const LEFT = 4000;

/** The door /ws: one socket for one subscription. */
export function wsDoor(settings: DoorSettings, openSocket: OpenSocket): Door {
  const { url, agent } = settings;
  const address = `${url.replace(/^http/, 'ws')}/ws${agent === undefined ? '' : `?agent=${encodeURIComponent(agent)}`}`;
  return (wish, receiver, signal) =>
    new Promise((resolve, reject) => {
      const socket = openSocket(address, 'reflectt.v1');
      let over = false;
      let timer: ReturnType<typeof setTimeout>;
      let bye: End = {};
      const leave = (code?: number) => {
        over = true;
        clearTimeout(timer);
        clearInterval(pings);
        signal.removeEventListener('abort', abort);
        socket.onmessage = null;
        socket.onclose = null;
        // Closing a socket that is not open yet is told as an error.
        socket.onerror = () => {};
        if (code !== undefined) socket.close(code === 1000 ? undefined : code);
      };
      const end = (how: End, code?: number) => {
        if (over) return;
        leave(code);
        resolve(how);
      };
      const abort = () => end({}, 1000);
      const alive = () => {
        clearTimeout(timer);
        timer = setTimeout(
          () => end({ cause: new ConnectionError('the server was silent for too long') }, LEFT),
          settings.silenceMs,
        );
      };
      const talk = talkTo(socket, wish, receiver, (how, code) => end({ ...bye, ...how }, code));
      const pings = setInterval(() => talk.ping(), settings.pingMs);
      alive();
      signal.addEventListener('abort', abort, { once: true });
      socket.onerror = () => {};
      socket.onmessage = ({ data }) => {
        alive();
        try {
          const said = talk.hear(data);
          if (said) bye = said;
        } catch (error) {
          leave(LEFT);
          reject(error);
        }
      };
      socket.onclose = ({ code, reason }) => {
        const cause = new ConnectionError(`the socket was closed: ${code}${reason && ` ${reason}`}`, {
          closeCode: code,
        });
        end({ ...bye, cause, ...(FATAL.has(code) && { fatal: cause }) });
      };
    });
}

const SID = 's';
/** Resets on one connection, after which a new one is made: there would be no end otherwise where a server is at fault. */
const RESETS = 8;

/** The talk on an open socket: what is sent, and what is done with what comes. */
function talkTo(socket: Socket, wish: Wish, receiver: Receiver, end: (how: End, code: number) => void) {
  let epoch: string | undefined;
  let pinged: number | undefined;
  let reason = wish.snapshot;
  let resets = 0;
  const say = (frame: object) => socket.send(JSON.stringify(frame));
  const subscribe = (after: string | undefined) =>
    say({
      type: 'subscribe',
      sid: SID,
      filter: wish.filter,
      ...(after !== undefined && { after }),
      ...(reason !== undefined && { snapshot: true }),
      ...(wish.ephemeral && { ephemeral: true }),
    });
  return {
    ping() {
      if (epoch === undefined || pinged !== undefined) return;
      pinged = performance.now();
      say({ type: 'ping' });
    },

    /** Answers how the connection will end, where the server says so. */
    hear(data: unknown): End | undefined {
      if (typeof data !== 'string') throw new Broken('a frame is text');
      receiver.heard(data.length);
      const frame = parse(data);
      if (frame.type === 'hello') {
        if (typeof frame.epoch !== 'string' || epoch !== undefined) throw new Broken('no hello');
        epoch = frame.epoch;
        receiver.opened();
        subscribe(wish.after);
        this.ping();
        return undefined;
      }
      if (frame.type === 'bye') return { afterMs: retryMs(frame.retry_ms) };
      if (frame.type === 'pong') {
        if (pinged !== undefined) receiver.latency(performance.now() - pinged);
        pinged = undefined;
        return undefined;
      }
      if (epoch === undefined) throw new Broken('the server does not begin with hello');
      if (frame.sid !== SID) return undefined;
      switch (frame.type) {
        case 'events':
          receiver.events(frame.events, epoch);
          break;
        case 'ephemeral':
          receiver.ephemeral(frame.events);
          break;
        case 'sync':
          receiver.sync(frame.cursor, frame.up_to_date);
          break;
        case 'snapshot':
          receiver.snapshot(frame.cursor, frame.state, reason ?? 'start');
          break;
        case 'reset':
          if (++resets > RESETS) throw new Broken('reset without end');
          reason = resetReason(frame.reason);
          subscribe(undefined);
          break;
        case 'error': {
          const problem = problemOf(frame);
          if (problem === undefined) throw new Broken('no problem');
          const error = new ProblemError(problem);
          end(problem.status >= 500 || problem.status === 429 ? { cause: error } : { fatal: error }, LEFT);
          break;
        }
      }
      return undefined;
    },
  };
}

function parse(text: string): Record<string, unknown> {
  let frame: unknown;
  try {
    frame = JSON.parse(text);
  } catch {
    throw new Broken('a frame is JSON');
  }
  if (frame === null || typeof frame !== 'object' || Array.isArray(frame)) throw new Broken('a frame is an object');
  return frame as Record<string, unknown>;
}
