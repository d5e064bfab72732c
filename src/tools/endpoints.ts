import type { ToolFault, ToolOutcome } from '../kernel/toolbox.ts';

const LOOPBACK = new Set(['127.0.0.1', '[::1]', 'localhost']);
/** Bytes of an answer at most. */
const MAX_BYTES = 1024 * 1024;

/** Where calls are sent: this machine, and the hosts that are set. */
export interface Endpoints {
  refuses(url: string): string | undefined;
  forward(url: string, body: Record<string, unknown>, ms: number): Promise<ToolOutcome>;
  close(): void;
}

/** `allowed`: names of hosts, with a port where only that one is meant. `isOwn`: the port is this server's. */
export function createEndpoints(allowed: readonly string[], isOwn: (port: number) => boolean): Endpoints {
  const stopping = new AbortController();

  function refuses(text: string): string | undefined {
    if (!URL.canParse(text)) return 'is no URL';
    const { protocol, username, password, hash, hostname, host, port } = new URL(text);
    if (protocol !== 'http:' && protocol !== 'https:') return 'must begin with http:// or https://';
    if (username !== '' || password !== '') return 'must not hold a password';
    if (hash !== '') return 'must not have a fragment';
    const number = Number(port || (protocol === 'https:' ? 443 : 80));
    if (LOOPBACK.has(hostname)) return isOwn(number) ? 'is this server itself' : undefined;
    if (allowed.includes(hostname) || allowed.includes(host)) return undefined;
    return `leads to ${hostname}, which is neither this machine nor named in TOOL_ENDPOINT_HOSTS`;
  }

  async function forward(url: string, body: Record<string, unknown>, ms: number): Promise<ToolOutcome> {
    const complaint = refuses(url);
    if (complaint !== undefined) return fault('unreachable', `The endpoint ${complaint}.`);
    const late = AbortSignal.timeout(ms);
    try {
      const response = await fetch(url, {
        method: 'POST',
        headers: { 'content-type': 'application/json', accept: 'application/json', 'accept-encoding': 'identity' },
        body: JSON.stringify(body),
        redirect: 'manual',
        signal: AbortSignal.any([late, stopping.signal]),
      });
      const text = await readAtMost(response, MAX_BYTES);
      if (text === undefined) return fault('too_large', `The endpoint answered more than ${MAX_BYTES} bytes.`);
      if (!response.ok)
        return fault('refused', `The endpoint answered ${response.status}${text && `: ${text.slice(0, 500)}`}`);
      return { ok: true, result: text === '' ? null : JSON.parse(text) };
    } catch (error) {
      if (stopping.signal.aborted) return fault('stopped', 'The server stopped.');
      if (late.aborted) return fault('timeout', `The endpoint took longer than ${ms} ms.`);
      if (error instanceof SyntaxError) return fault('invalid_output', 'The endpoint answered what is no JSON.');
      const { message, cause } = error as Error;
      return fault(
        'unreachable',
        `The endpoint cannot be reached: ${cause instanceof Error ? cause.message : message}`,
      );
    }
  }

  return { refuses, forward, close: () => stopping.abort() };
}

function fault(code: ToolFault['code'], message: string): ToolOutcome {
  return { ok: false, fault: { code, message } };
}

/** Undefined where there is more, which is not read. */
async function readAtMost(response: Response, bytes: number): Promise<string | undefined> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.length;
    if (size > bytes) {
      return undefined;
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
