import type { Json } from './node.ts';

export interface SseFrame {
  event: string;
  /** Parsed. */
  data: Json;
  id: string | undefined;
  raw: string;
}

export interface TestStream extends AsyncDisposable {
  response: Response;
  /** The next frame that matches; others are dropped. Rejects after `ms`, or with `ended` where the stream ends. */
  next(match?: (frame: SseFrame) => boolean, ms?: number): Promise<SseFrame>;
}

/** Opens an event stream and reads its frames as a strict client would: LF, `event: `, `data: `, one data line. */
export async function openStream(url: string, headers: Record<string, string> = {}): Promise<TestStream> {
  const abort = new AbortController();
  const response = await fetch(url, { headers: { accept: 'text/event-stream', ...headers }, signal: abort.signal });
  if (response.status !== 200) throw new Error(`HTTP ${response.status} ${await response.text()}`);
  const reader = (response.body as ReadableStream<Uint8Array>).pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  let pending: ReturnType<typeof reader.read> | undefined;
  const read = async (ms: number): Promise<void> => {
    pending ??= reader.read();
    const result = await Promise.race([
      pending,
      new Promise<undefined>((resolve) => void setTimeout(() => resolve(undefined), ms).unref()),
    ]);
    if (result === undefined) throw new Error(`no such frame in ${ms} ms`);
    pending = undefined;
    if (result.done) throw new Error('ended');
    text += result.value;
  };
  return {
    response,
    async next(match = () => true, ms = 2_000) {
      const until = Date.now() + ms;
      for (;;) {
        const end = text.indexOf('\n\n');
        if (end === -1) {
          await read(Math.max(1, until - Date.now()));
          continue;
        }
        const raw = text.slice(0, end);
        text = text.slice(end + 2);
        const frame = parseFrame(raw);
        if (match(frame)) return frame;
      }
    },
    async [Symbol.asyncDispose]() {
      abort.abort();
      await reader.cancel().catch(() => {});
    },
  };
}

function parseFrame(raw: string): SseFrame {
  const lines = raw.split('\n');
  const field = (name: string) => lines.find((line) => line.startsWith(`${name}: `))?.slice(name.length + 2);
  const data = field('data');
  return {
    event: field('event') ?? 'message',
    data: data === undefined ? undefined : JSON.parse(data),
    id: field('id'),
    raw,
  };
}
