import { once } from 'node:events';
import WebSocket from 'ws';
import type { Json } from './node.ts';

export interface TestSocket extends AsyncDisposable {
  socket: WebSocket;
  /** Frames that came and were not taken. */
  frames: Json[];
  send(frame: unknown): void;
  /** The next frame that matches; earlier ones that do not stay. Rejects after two seconds or when the socket closes. */
  next(match?: (frame: Json) => boolean, ms?: number): Promise<Json>;
  /** The close code, once it is closed. */
  closed: Promise<{ code: number; reason: string }>;
}

/** Opens a WebSocket and collects its frames. Rejects with the HTTP status where the upgrade is refused. */
export async function openSocket(
  url: string,
  options: { protocol?: string; headers?: Record<string, string> } = {},
): Promise<TestSocket> {
  const socket = new WebSocket(url.replace(/^http/, 'ws'), options.protocol ?? [], { headers: options.headers ?? {} });
  const frames: Json[] = [];
  let wake = () => {};
  socket.on('message', (data) => {
    frames.push(JSON.parse(data.toString()));
    wake();
  });
  const closed = new Promise<{ code: number; reason: string }>((resolve) =>
    socket.once('close', (code, reason) => {
      resolve({ code, reason: reason.toString() });
      wake();
    }),
  );
  await new Promise<void>((resolve, reject) => {
    socket.once('open', () => resolve());
    socket.once('unexpected-response', (_, response) => reject(new Error(`HTTP ${response.statusCode}`)));
    socket.once('error', reject);
  });
  socket.on('error', () => {});
  return {
    socket,
    frames,
    closed,
    send: (frame) => socket.send(typeof frame === 'string' ? frame : JSON.stringify(frame)),
    async next(match = () => true, ms = 2_000) {
      const until = Date.now() + ms;
      for (;;) {
        const at = frames.findIndex(match);
        if (at !== -1) return frames.splice(at, 1)[0];
        const left = until - Date.now();
        if (left <= 0 || socket.readyState === socket.CLOSED)
          throw new Error(`no such frame; there are ${JSON.stringify(frames).slice(0, 500)}`);
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, left);
          wake = () => {
            clearTimeout(timer);
            resolve();
          };
        });
      }
    },
    async [Symbol.asyncDispose]() {
      if (socket.readyState === socket.CLOSED) return;
      socket.terminate();
      await once(socket, 'close').catch(() => {});
    },
  };
}
