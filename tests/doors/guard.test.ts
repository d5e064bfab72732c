import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type TestNode, testNode } from '../support/node.ts';
import { raw, request } from '../support/raw.ts';

const ALLOWED = 'https://tools.example.org';
let server: TestNode;
let host: string;
beforeAll(async () => {
  server = await testNode({ env: { ALLOWED_ORIGINS: ALLOWED, ALLOWED_HOSTS: 'agents.local,proxy.local:8080' } });
  host = `Host: 127.0.0.1:${server.port}`;
  await server.post('link', 'something private to this machine');
});
afterAll(() => server[Symbol.asyncDispose]());

const BODY = JSON.stringify({ from: 'mallory', content: 'from a web page' });
const JSON_TYPE = 'Content-Type: application/json';
const UPGRADE = ['Upgrade: websocket', 'Sec-WebSocket-Version: 13', 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=='];

/** Every way in, with the same headers. */
async function everyDoor(
  ...headers: string[]
): Promise<{ door: string; status: number; text: string; cors: unknown }[]> {
  const upgrade = (path: string) =>
    request(`GET ${path}`, [...headers, ...UPGRADE]).replace('Connection: close', 'Connection: Upgrade');
  const doors: [string, string][] = [
    ['GET', request('GET /chat/messages', headers)],
    ['POST', request('POST /chat/messages', [...headers, JSON_TYPE], BODY)],
    ['PATCH', request('PATCH /chat/messages/x', [...headers, JSON_TYPE], BODY)],
    ['DELETE', request('DELETE /chat/messages/x', [...headers, JSON_TYPE], BODY)],
    ['OPTIONS', request('OPTIONS /chat/messages', [...headers, 'Access-Control-Request-Method: POST'])],
    ['HEAD', request('HEAD /health', headers)],
    ['404', request('GET /nothing', headers)],
    ['bad path', request('GET /chat/messages/%zz', headers)],
    ['openapi', request('GET /openapi.json', headers)],
    ['asset', request('GET /docs/swagger-ui.css', headers)],
    ['SSE', request('GET /events/subscribe?after=0', headers)],
    ['stream', request('GET /events?after=0', [...headers, 'Accept: text/event-stream'])],
    ['/ws', upgrade('/ws')],
    ['/chat/ws', upgrade('/chat/ws')],
  ];
  return Promise.all(
    doors.map(async ([door, bytes]) => {
      const { status, text, headers } = await raw(server.port, bytes, 600);
      return { door, status, text, cors: headers['access-control-allow-origin'] };
    }),
  );
}

async function allRefused(status: number, code: string, ...headers: string[]): Promise<void> {
  const { head } = (await server.get('/health')).body.journal;
  for (const answer of await everyDoor(...headers)) {
    expect([answer.door, answer.status]).toEqual([answer.door, status]);
    if (answer.door !== 'HEAD') expect(answer.text).toContain(`"code":"${code}"`);
    expect(answer.text).toContain('application/problem+json');
    expect(answer.text).not.toContain('something private');
    expect(answer.cors).toBeUndefined();
  }
  expect((await server.get('/health')).body.journal.head).toBe(head);
}

describe('Host', () => {
  test.each([
    ['a rebound name', ['evil.example']],
    ['a rebound name with the right port', ['evil.example:PORT']],
    ['the wrong port', ['127.0.0.1:1']],
    ['no port', ['127.0.0.1']],
    ['another loopback address', ['127.0.0.2:PORT']],
    ['a name that begins well', ['localhost.evil.example:PORT']],
    ['a name that ends well', ['evil-localhost:PORT']],
    ['user info', ['localhost:PORT@evil.example']],
    ['a dot at the end', ['localhost.:PORT']],
    ['an empty one', ['']],
    ['none', []],
    ['two that differ', ['127.0.0.1:PORT', 'evil.example']],
    ['two that are right', ['127.0.0.1:PORT', '127.0.0.1:PORT']],
  ])('%s is refused on every door', async (_, hosts) => {
    await allRefused(421, 'wrong_host', ...hosts.map((name) => `Host: ${name.replace('PORT', String(server.port))}`));
  });

  test.each([
    '127.0.0.1:PORT',
    'localhost:PORT',
    'LocalHost:PORT',
    '[::1]:PORT',
    'agents.local:PORT',
    'proxy.local:8080',
  ])('%s comes in', async (name) => {
    const answer = await raw(
      server.port,
      request('GET /health', [`Host: ${name.replace('PORT', String(server.port))}`]),
    );
    expect(answer.status).toBe(200);
  });

  test('X-Forwarded-Host does not help, and a target with another host is no target', async () => {
    const forwarded = request('GET /health', ['Host: evil.example', `X-Forwarded-${host}`]);
    expect((await raw(server.port, forwarded)).status).toBe(421);
    for (const target of ['http://evil.example/health', `http://127.0.0.1:${server.port}/health`, '*', 'health']) {
      const { status, text } = await raw(server.port, request(`GET ${target}`, [host]));
      expect([target, status]).toEqual([target, 400]);
      expect(text).not.toContain('"status":"ok"');
    }
    expect((await raw(server.port, request('OPTIONS *', [host]))).status).toBe(400);
    expect((await raw(server.port, `CONNECT evil.example:443 HTTP/1.1\r\n${host}\r\n\r\n`, 300)).text).not.toContain(
      '200',
    );
  });
});

describe('Origin', () => {
  test.each([
    'null',
    'https://evil.example',
    'http://evil.example:PORT',
    'http://localhost:1',
    'https://127.0.0.1:PORT',
    'http://localhost.evil.example:PORT',
    'https://tools.example.org.evil.example',
    'http://tools.example.org',
    'HTTPS://TOOLS.EXAMPLE.ORG',
    'file://',
    '',
  ])('%j is refused on every door, without a word of CORS', async (origin) => {
    await allRefused(403, 'origin_refused', host, `Origin: ${origin.replace('PORT', String(server.port))}`);
  });

  test('two of them are refused', async () => {
    await allRefused(403, 'origin_refused', host, `Origin: ${ALLOWED}`, 'Origin: https://evil.example');
  });

  test('its own pages come in, and get no CORS headers', async () => {
    for (const origin of [`http://127.0.0.1:${server.port}`, `http://localhost:${server.port}`])
      for (const { door, status, cors } of await everyDoor(host, `Origin: ${origin}`)) {
        expect([door, [200, 204, 101].includes(status)], `${door} ${status}`).toEqual([
          door,
          !['PATCH', 'DELETE', 'HEAD', '404', 'bad path'].includes(door),
        ]);
        expect([403, 421], door).not.toContain(status);
        expect(cors, door).not.toBe('*');
        expect(cors, door).not.toBe(origin);
      }
  });

  test('an allow-listed one comes in with CORS headers on every answer, streams and problems too', async () => {
    for (const { door, status, cors } of await everyDoor(host, `Origin: ${ALLOWED}`, 'Sec-Fetch-Site: cross-site')) {
      expect([403, 421], door).not.toContain(status);
      if (!door.includes('ws') && door !== 'bad path') expect([door, cors]).toEqual([door, ALLOWED]);
    }
    const preflight = await raw(
      server.port,
      request('OPTIONS /chat/messages', [
        host,
        `Origin: ${ALLOWED}`,
        'Access-Control-Request-Method: DELETE',
        'Access-Control-Request-Headers: content-type, x-agent, idempotency-key',
      ]),
    );
    expect(preflight.status).toBe(204);
    expect(preflight.headers['access-control-allow-methods']).toContain('DELETE');
    expect(preflight.headers['access-control-allow-headers']).toBe('content-type, x-agent, idempotency-key');
    expect(preflight.headers).not.toHaveProperty('access-control-allow-credentials');
    expect(preflight.headers.vary).toContain('Origin');
  });

  test('without an allow-list there is no CORS at all', async () => {
    await using closed = await testNode();
    const origin = `Origin: http://127.0.0.1:${closed.port}`;
    for (const line of ['GET /health', 'OPTIONS /chat/messages']) {
      const { headers } = await raw(
        closed.port,
        request(line, [`Host: 127.0.0.1:${closed.port}`, origin, 'Access-Control-Request-Method: POST']),
      );
      expect(Object.keys(headers).filter((name) => name.startsWith('access-control'))).toEqual([]);
    }
  });
});

describe('Sec-Fetch-Site', () => {
  test('cross-site without an Origin is refused on every door: images, forms, links, sockets', async () => {
    await allRefused(403, 'origin_refused', host, 'Sec-Fetch-Site: cross-site', 'Sec-Fetch-Mode: no-cors');
    await allRefused(
      403,
      'origin_refused',
      host,
      'Sec-Fetch-Site: cross-site',
      'Sec-Fetch-Mode: navigate',
      'Sec-Fetch-Dest: document',
    );
    await allRefused(403, 'origin_refused', host, 'Sec-Fetch-Site: same-site', 'Sec-Fetch-Mode: no-cors');
  });

  test('a person who types the address, and the pages of the server itself, come in', async () => {
    for (const site of ['none', 'same-origin'])
      expect((await raw(server.port, request('GET /docs', [host, `Sec-Fetch-Site: ${site}`]))).status).toBe(200);
  });
});

test('a refused upgrade leaves no socket behind, and nothing that keeps the server from closing', async () => {
  const short = await testNode();
  const good = `Host: 127.0.0.1:${short.port}`;
  for (const [path, ...headers] of [
    ['/ws', 'Host: evil.example'],
    ['/ws', good, 'Origin: null'],
    ['/ws?agent=-', good],
    ['/nothing', good],
    ['/health', good],
    ['/chat/messages/%zz', good],
    ['/chat/messages/%zz', 'Host: evil.example'],
  ] as const) {
    const bytes = request(`GET ${path}`, [...headers, ...UPGRADE]).replace('Connection: close', 'Connection: Upgrade');
    const began = performance.now();
    const { status } = await raw(short.port, bytes, 5_000);
    expect([path, status >= 400 && status < 500]).toEqual([path, true]);
    expect(performance.now() - began, path).toBeLessThan(2_000);
  }
  const began = performance.now();
  await short[Symbol.asyncDispose]();
  expect(performance.now() - began).toBeLessThan(2_000);
});

test('a name with the default port of a scheme is also known without it, as clients write it', async () => {
  await using other = await testNode({ env: { ALLOWED_HOSTS: 'plain.local:80,tls.local:443' } });
  const status = async (...headers: string[]) => (await raw(other.port, request('GET /health', headers))).status;
  expect(await status('Host: plain.local', 'Origin: http://plain.local')).toBe(200);
  expect(await status('Host: tls.local', 'Origin: https://tls.local')).toBe(200);
  expect(await status('Host: tls.local:443')).toBe(200);
  expect(await status('Host: plain.local', 'Origin: https://plain.local')).toBe(403);
  expect(await status('Host: tls.local', 'Origin: http://tls.local')).toBe(403);
  expect(await status('Host: 127.0.0.1')).toBe(421);
});

test('the address that the server was told to listen on is a name of the server', async () => {
  await using other = await testNode({ env: { HOST: '127.0.0.2' } });
  expect((await other.get('/health')).status).toBe(200);
  expect(other.url).toContain('127.0.0.2');
});
