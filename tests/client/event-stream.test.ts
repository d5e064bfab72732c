import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { createClient, type Delivery } from '../../src/client/node.ts';

const retry = { tries: 4, firstMs: 5, mostMs: 40 };

/** A server whose /events says what a test makes it say; it notes with which cursor it was asked. */
async function scripted(say: (response: ServerResponse, connection: number) => void) {
  const asked: (string | null)[] = [];
  const server = createServer((request, response) => {
    const query = new URL(request.url ?? '', 'http://x').searchParams;
    const connection = asked.push(query.get('after')) - 1;
    say(response, connection);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    asked,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

function stream(response: ServerResponse, connection: number): void {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  response.write('event: connected\ndata: {"epoch":"test0000"}\n\n');
  event(response, connection + 1);
}

function event(response: ServerResponse, seq: number, content = `${seq}`): void {
  const data = JSON.stringify({ seq, at: seq, type: 'message_posted', actor: 'ada', data: { content } });
  response.write(`event: message_posted\ndata: ${data}\nid: test0000-${seq}\n\n`);
}

async function seqsUntilLast(deliveries: AsyncIterable<Delivery>): Promise<number[]> {
  const seqs: number[] = [];
  for await (const each of deliveries) {
    if (each.kind !== 'event') continue;
    seqs.push(each.event.seq);
    if (each.event.data.content === 'last') break;
  }
  return seqs;
}

test('what comes twice is shown once, and a server that talks nonsense is left and asked again from the cursor', async () => {
  const nonsense = [
    'event: message_posted\ndata: no JSON\nid: test0000-9\n\n',
    'event: message_posted\ndata: []\nid: test0000-9\n\n',
    'event: message_posted\ndata: {"seq":"nine"}\nid: test0000-9\n\n',
    'event: presence_heartbeat\ndata: {"type":7}\n\n',
    'event: sync\ndata: {"cursor":17}\n\n',
    // A character that was cut in two, at the end of all.
    Buffer.from([0xe2, 0x82]),
    ':\n\n',
  ];
  await using fake = await scripted((response, connection) => {
    stream(response, connection);
    event(response, connection + 1);
    event(response, Math.max(1, connection));
    const next = nonsense[connection];
    if (next === undefined) return event(response, connection + 2, 'last');
    response.write(next);
    // What a client would not leave by itself ends.
    setTimeout(() => response.end(), 20);
  });
  const seqs = await seqsUntilLast(
    createClient({ url: fake.url, doors: ['sse'], retry }).subscribe({ after: 'earliest' }),
  );
  expect(seqs).toEqual(Array.from({ length: nonsense.length + 2 }, (_, i) => i + 1));
  expect(fake.asked).toEqual(['earliest', ...nonsense.map((_, i) => `test0000-${i + 1}`)]);
});

test('a stream that ends, breaks off, says goodbye or is silent is taken up again; so is one that a proxy answers for', async () => {
  const ways: ((response: ServerResponse) => void)[] = [
    (response) => response.end(),
    (response) => response.destroy(),
    (response) => response.end('event: bye\ndata: {"reason":"restart","retry_ms":20}\n\n'),
    () => {},
  ];
  await using fake = await scripted((response, connection) => {
    const way = ways[connection >> 1];
    if (connection % 2 === 0 && way) return void response.writeHead(502).end('<html>');
    stream(response, connection);
    if (way) setTimeout(() => way(response), 5);
    else event(response, connection + 2, 'last');
  });
  const client = createClient({ url: fake.url, doors: ['sse'], retry, silenceMs: 1_500 });
  expect(await seqsUntilLast(client.subscribe({ after: 'earliest' }))).toEqual([2, 4, 6, 8, 9, 10]);
});

test('a frame without end is not held without end', async () => {
  let written = 0;
  await using fake = await scripted((response, connection) => {
    if (connection > 0) {
      stream(response, 1);
      return event(response, 3, 'last');
    }
    stream(response, 0);
    response.write('event: message_posted\ndata: ');
    const chunk = 'x'.repeat(256 * 1024);
    const more = () => {
      if (response.destroyed || written > 256 * 1024 * 1024) return;
      written += chunk.length;
      response.write(chunk, () => setImmediate(more));
    };
    more();
  });
  const client = createClient({ url: fake.url, doors: ['sse'], retry });
  expect(await seqsUntilLast(client.subscribe({ after: 'earliest' }))).toEqual([1, 2, 3]);
  expect(written).toBeLessThan(64 * 1024 * 1024);
});
