import { randomBytes } from 'node:crypto';
import { createRequestStateCodec } from '@modelcontextprotocol/server';

/** Seals what a client brings back; good for as long as this process runs. */
export const state = createRequestStateCodec<{ step: number }>({ key: randomBytes(32) });
