import { clientMaker } from './client.ts';
import type { Socket } from './ws-door.ts';

export * from './exports.ts';

const Browser = (globalThis as unknown as { WebSocket: new (url: string, protocol: string) => Socket }).WebSocket;

/** Makes a client of the server at `url`, in a browser. */
export const createClient = clientMaker((url, protocol) => new Browser(url, protocol));
