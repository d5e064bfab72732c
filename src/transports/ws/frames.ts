import { z } from 'zod';
import { FilterInput } from '../../kernel/feed/filter.ts';

const Sid = z.string().min(1).max(64);
const Cursor = z.union([z.string().max(64), z.number().int().min(0)]).transform(String);

/** What a client may send on /ws. */
export const ClientFrame = z.discriminatedUnion('type', [
  z.object({ type: z.literal('auth'), token: z.string() }),
  z.object({
    type: z.literal('subscribe'),
    sid: Sid,
    after: Cursor.optional(),
    filter: FilterInput.default({}),
    snapshot: z.boolean().optional(),
    /** Also what is not kept. */
    ephemeral: z.boolean().optional(),
  }),
  z.object({ type: z.literal('unsubscribe'), sid: Sid }),
  z.object({ type: z.literal('ack'), sid: Sid, cursor: Cursor }),
  z.object({
    type: z.literal('call'),
    id: z.union([z.string().max(128), z.number()]),
    op: z.string().max(128),
    input: z.record(z.string(), z.unknown()).default({}),
    idempotencyKey: z.string().optional(),
    ifMatch: z.union([z.string().max(1_024), z.number().int().min(0).transform(String)]).optional(),
  }),
  z.object({
    type: z.literal('reply'),
    id: z.number().int(),
    ok: z.boolean(),
    result: z.unknown().optional(),
    /** Why not. */
    error: z.string().max(2_000).optional(),
  }),
  z.object({ type: z.literal('ping'), id: z.union([z.string().max(128), z.number()]).optional() }),
]);
export type ClientFrame = z.output<typeof ClientFrame>;

/** What a client may do at most, as `hello` tells it. */
export const LIMITS = {
  /** Bytes of a frame that a client sends. */
  frame_bytes: 256 * 1024,
  subscriptions: 32,
  /** Calls that are not answered yet. */
  calls_in_flight: 4_096,
  /** Questions of the server that a client has not answered yet. */
  questions: 64,
} as const;
