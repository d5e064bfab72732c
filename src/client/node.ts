import { WebSocket } from 'ws';
import { clientMaker } from './client.ts';
import type { Socket } from './ws-door.ts';

export * from './exports.ts';

/** A snapshot may be large, and who does not answer a goodbye is not waited for. */
const OPTIONS = { maxPayload: 256 * 1024 * 1024, perMessageDeflate: false, closeTimeout: 1_000 };

/** Makes a client of the server at `url`, in Node. */
export const createClient = clientMaker((url, protocol) => new WebSocket(url, protocol, OPTIONS) as unknown as Socket);
