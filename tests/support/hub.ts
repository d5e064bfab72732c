import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { type WebSocket, WebSocketServer } from 'ws';
import type { Json } from './node.ts';

export interface FakeHub extends AsyncDisposable {
  url: string;
  /** What each connection's client has sent. */
  heard: Json[][];
  sockets: WebSocket[];
}

/** A server that says on /ws what a test makes it say: nothing of itself. */
export async function fakeHub(onFrame: (socket: WebSocket, frame: Json, connection: number) => void): Promise<FakeHub> {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  await once(server, 'listening');
  const hub: FakeHub = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    heard: [],
    sockets: [],
    async [Symbol.asyncDispose]() {
      for (const socket of hub.sockets) socket.terminate();
      server.close();
      await once(server, 'close');
    },
  };
  server.on('connection', (socket) => {
    const connection = hub.sockets.push(socket) - 1;
    const heard: Json[] = [];
    hub.heard.push(heard);
    socket.on('error', () => {});
    socket.on('message', (data) => {
      const frame = JSON.parse(data.toString());
      heard.push(frame);
      onFrame(socket, frame, connection);
    });
    socket.send(JSON.stringify({ type: 'hello', protocol: 'reflectt.v1', epoch: 'test0000' }));
  });
  return hub;
}
