import { createParser } from 'eventsource-parser';

/** A frame of JSON-RPC, as far as a bridge must know it. */
export interface Frame {
  jsonrpc?: unknown;
  id?: string | number | null;
  method?: string;
  params?: Record<string, unknown> & { _meta?: Record<string, unknown> };
  result?: Record<string, unknown>;
  error?: { code: number; message: string };
}

const VERSION = 'io.modelcontextprotocol/protocolVersion';

/** The revision that a frame says for itself; undefined where its client began with a handshake. */
export function revisionOf({ params }: Frame): string | undefined {
  const version = params?._meta?.[VERSION];
  return typeof version === 'string' ? version : undefined;
}

/** Headers by which a frame of the stateless revision is known before it is read. */
export function headersOf(frame: Frame): Record<string, string> {
  const version = revisionOf(frame);
  if (version === undefined || frame.method === undefined) return {};
  const name = frame.params?.name ?? frame.params?.uri;
  const named = ['tools/call', 'prompts/get', 'resources/read'].includes(frame.method) && typeof name === 'string';
  return {
    'mcp-protocol-version': version,
    'mcp-method': frame.method,
    ...(named && { 'mcp-name': headerValue(name) }),
  };
}

/** Text that a header cannot hold goes encoded, as the protocol has it. */
function headerValue(text: string): string {
  const plain = /^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/.test(text) && !text.startsWith('=?base64?');
  return plain ? text : `=?base64?${Buffer.from(text).toString('base64')}?=`;
}

/** An error, to the one who asked. */
export function errorFrame(id: Frame['id'], code: number, message: string): Frame & { jsonrpc: '2.0' } {
  return { jsonrpc: '2.0', id: id ?? null, error: { code, message } };
}

/** Every frame of an answer: one as JSON, or those of a stream as they come. */
export async function* framesOf(response: Response): AsyncGenerator<Frame> {
  const type = response.headers.get('content-type') ?? '';
  if (response.body === null) return;
  if (!type.startsWith('text/event-stream')) {
    const text = await response.text();
    if (text !== '') yield JSON.parse(text) as Frame;
    return;
  }
  let frames: Frame[] = [];
  const parser = createParser({ onEvent: ({ data }) => frames.push(JSON.parse(data) as Frame) });
  const decoder = new TextDecoder();
  for await (const chunk of response.body) {
    parser.feed(decoder.decode(chunk as Uint8Array, { stream: true }));
    const ready = frames;
    frames = [];
    yield* ready;
  }
}
