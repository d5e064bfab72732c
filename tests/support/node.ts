import { pino } from 'pino';
import { capabilities } from '../../src/capabilities/index.ts';
import { readConfig } from '../../src/config.ts';
import { type Node, type NodeOptions, startNode } from '../../src/node.ts';
import { assertTemporary, temporaryDirectory } from './directory.ts';

/** Requests to one server, whose answers are read whole. */
export interface Client {
  get(path: string, headers?: Record<string, string>): Promise<Answer>;
  send(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer>;
}

export interface TestNode extends Client, AsyncDisposable {
  node: Node;
  /** `http://127.0.0.1:<port>` */
  url: string;
  port: number;
  dir: string;
  post(from: string, content: string, more?: object): Promise<Posted>;
}

// Tests look into answers of every shape.
// biome-ignore lint/suspicious/noExplicitAny: answers of every shape
export type Json = any;

export interface Answer {
  status: number;
  headers: Headers;
  body: Json;
}

export interface Posted {
  id: string;
  seq: number;
  timestamp: number;
  channel: string;
}

/** A client of the server at `url`. */
export function client(url: string): Client {
  const send: Client['send'] = async (method, path, body, headers = {}) => {
    const response = await fetch(url + path, {
      method,
      headers: { ...(body !== undefined && { 'content-type': 'application/json' }), ...headers },
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    const json = text !== '' && response.headers.get('content-type')?.includes('json');
    return { status: response.status, headers: response.headers, body: json ? JSON.parse(text) : text };
  };
  return { get: (path, headers) => send('GET', path, undefined, headers), send };
}

/** All that writes down what it is told and nothing else: without presence, whose events come between any two. */
export const quiet = capabilities.filter(({ name }) => name !== 'presence');

/** A node of which a test knows every event. */
export function quietNode(options: Parameters<typeof testNode>[0] = {}): Promise<TestNode> {
  return testNode({ capabilities: quiet, ...options });
}

/**
 * A node in this process, on a free port and in a directory of its own unless one is given. It has no model unless one
 * is asked for with EMBEDDINGS: the local one takes 230 MB.
 */
export async function testNode(
  options: Partial<NodeOptions> & { dir?: string; env?: Record<string, string> } = {},
): Promise<TestNode> {
  const own = options.dir === undefined ? temporaryDirectory() : undefined;
  const dir = options.dir ?? (own?.path as string);
  assertTemporary(dir);
  const { dir: _, env, ...rest } = options;
  const config = readConfig({ PORT: '0', DATA_DIR: dir, EMBEDDINGS: 'none', ...env });
  const node = await startNode({ config, logger: pino({ level: 'silent' }), ...rest });
  const { port } = new URL(node.address);
  const { get, send } = client(node.address);
  return {
    node,
    url: node.address,
    port: Number(port),
    dir,
    get,
    send,
    async post(from, content, more = {}) {
      const { status, body } = await send('POST', '/chat/messages', { from, content, ...more });
      if (status !== 200) throw new Error(`${status} ${JSON.stringify(body)}`);
      return body.message as Posted;
    },
    async [Symbol.asyncDispose]() {
      await node.close();
      own?.[Symbol.dispose]();
    },
  };
}
