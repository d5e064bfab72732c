import type { FastifyRequest } from 'fastify';
import type { Input, Surface } from './surface.ts';

/** Revisions whose clients say with every request what earlier ones said once. */
export const MODERN = '2026-07-28';
/** Revisions that begin with a handshake. */
export const OLDER = ['2025-11-25', '2025-06-18', '2025-03-26', '2024-11-05', '2024-10-07'];

const META = 'io.modelcontextprotocol/';

/** A call that can be answered without the library. */
export interface DirectCall {
  id: string | number;
  name: string;
  input: Input;
  modern: boolean;
}

/**
 * The call of a tool that is wholly as the protocol has it, and of which nobody wants to see progress: nearly every
 * call is. Undefined: the library looks at it, and says what is wrong where something is.
 */
export function directCall({ body, headers }: FastifyRequest, knownSession: boolean): DirectCall | undefined {
  if (!isObject(body) || body.jsonrpc !== '2.0' || body.method !== 'tools/call' || !isObject(body.params))
    return undefined;
  const { id, params } = body;
  const { name, arguments: input = {}, _meta: meta, ...rest } = params;
  if (typeof id !== 'string' && !Number.isSafeInteger(id)) return undefined;
  if (typeof name !== 'string' || !isObject(input) || hasMembers(rest)) return undefined;
  if (meta !== undefined && (!isObject(meta) || 'progressToken' in meta)) return undefined;
  const call = { id: id as string | number, name, input };
  const version = headers['mcp-protocol-version'];
  if (meta !== undefined && `${META}protocolVersion` in meta) {
    const said =
      meta[`${META}protocolVersion`] === MODERN &&
      isIdentity(meta[`${META}clientInfo`]) &&
      isObject(meta[`${META}clientCapabilities`]) &&
      version === MODERN &&
      headers['mcp-method'] === 'tools/call' &&
      headers['mcp-name'] === name;
    return said ? { ...call, modern: true } : undefined;
  }
  const accept = headers.accept ?? '';
  const accepted = accept.includes('application/json') && accept.includes('text/event-stream');
  return knownSession && accepted && (version === undefined || OLDER.includes(version as string))
    ? { ...call, modern: false }
    : undefined;
}

/** Writes the answer of a direct call: the same bytes as the library would, but for their order. */
export function writeResult({ id, modern }: DirectCall, result: object, { name, version, title }: Surface): string {
  const more = modern
    ? { resultType: 'complete', _meta: { [`${META}serverInfo`]: { name, title, version } } }
    : undefined;
  return JSON.stringify({ jsonrpc: '2.0', id, result: more === undefined ? result : { ...result, ...more } });
}

function isIdentity(value: unknown): boolean {
  return isObject(value) && typeof value.name === 'string' && typeof value.version === 'string';
}

function isObject(value: unknown): value is Record<string, unknown> {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}

function hasMembers(value: object): boolean {
  for (const _ in value) return true;
  return false;
}
