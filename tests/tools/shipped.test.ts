import { once } from 'node:events';
import { createServer } from 'node:http';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ROOT } from '../support/source.ts';
import { type ToolNode, toolNode } from '../support/tools.ts';

let server: ToolNode;

beforeAll(async () => {
  server = await toolNode(
    { path: `${ROOT}tools` },
    { environment: { HTTP_FETCH_HOSTS: '127.0.0.1' }, env: { TOOL_ENV: 'HTTP_FETCH_HOSTS' } },
  );
});

afterAll(() => server[Symbol.asyncDispose]());

const run = async (tool: string, input: object, agent = 'kai') => (await server.call(tool, input, { agent })).body;
const table = (action: string, more: object = {}, agent = 'kai') =>
  run('table_store', { action, table: 'books', ...more }, agent);

test('all three are ready', async () => {
  const { tools } = (await server.get('/tools')).body;
  expect(tools.map(({ name, status }: Record<string, string>) => `${name} ${status}`)).toEqual([
    'current_time ready',
    'http_fetch ready',
    'table_store ready',
  ]);
});

test('a table keeps rows: for one agent, or for all', async () => {
  const added = await Promise.all(
    Array.from({ length: 20 }, (_, n) => table('insert', { row: { n, even: n % 2 === 0 } })),
  );
  expect(added.every(({ success }) => success)).toBe(true);
  expect((await table('query')).result.count).toBe(20);
  expect((await table('query', { where: { even: true }, limit: 3 })).result.count).toBe(3);
  const { id } = added[0].result.row;
  expect((await table('update', { id, row: { title: 'Emma' } })).result.row).toMatchObject({ n: 0, title: 'Emma' });
  expect((await table('get', { id })).result.row).toMatchObject({ title: 'Emma' });
  expect((await table('insert', { id, row: {} })).error.message).toContain('has a row');
  expect((await table('delete', { id })).result).toEqual({ deleted: true });
  expect((await table('get', { id })).result).toEqual({ row: null });
  expect((await table('update', { id, row: {} })).error.message).toContain('has no row');
  expect((await table('query', {}, 'ada')).result.count).toBe(0);
  await table('insert', { row: { by: 'kai' }, shared: true });
  expect((await table('query', { shared: true }, 'ada')).result.rows).toMatchObject([{ by: 'kai' }]);
  expect((await run('table_store', { action: 'tables' })).result).toEqual({ tables: ['books'] });
  expect((await server.call('table_store', { action: 'get', table: '../x', id: 'a' })).status).toBe(422);
});

test('a page is fetched from hosts that are allowed, cut, and without following', async () => {
  const site = createServer((request, response) => {
    if (request.url === '/away') response.writeHead(302, { location: 'http://example.com/' }).end();
    else response.setHeader('content-type', 'text/plain').end('x'.repeat(1_000));
  });
  site.listen(0, '127.0.0.1');
  await once(site, 'listening');
  const url = `http://127.0.0.1:${(site.address() as { port: number }).port}`;
  try {
    const page = await run('http_fetch', { url, max_bytes: 10 });
    expect(page.result).toEqual({ status: 200, type: 'text/plain', text: 'xxxxxxxxxx', cut: true });
    expect((await run('http_fetch', { url: `${url}/away` })).result).toMatchObject({
      status: 302,
      location: 'http://example.com/',
    });
    const elsewhere = await run('http_fetch', { url: 'http://example.com/' });
    expect(elsewhere.error).toMatchObject({ code: 'failed', message: 'example.com is not in HTTP_FETCH_HOSTS.' });
    expect((await server.call('http_fetch', { url: 'file:///etc/passwd' })).status).toBe(422);
  } finally {
    site.closeAllConnections();
    site.close();
  }
});

test('the time is told in zones, and what is none is refused', async () => {
  const { result } = await run('current_time', { at: '2026-07-01T22:30:00Z', zone: 'Europe/Berlin' });
  expect(result).toMatchObject({ iso: '2026-07-01T22:30:00.000Z', local: '02/07/2026, 00:30:00', weekday: 'Thursday' });
  expect(Math.abs((await run('current_time', {})).result.secondsFromNow)).toBeLessThanOrEqual(1);
  expect((await run('current_time', { zone: 'Mars/Olympus' })).error.code).toBe('failed');
  expect((await run('current_time', { at: 'soon' })).error.message).toContain('no moment');
});
