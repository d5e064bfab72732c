import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Json, type TestNode, testNode } from '../support/node.ts';

let server: TestNode;
let description: Json;
beforeAll(async () => {
  server = await testNode();
  description = (await server.get('/openapi.json')).body;
});
afterAll(() => server[Symbol.asyncDispose]());

const METHODS = ['get', 'put', 'post', 'delete', 'options', 'head', 'patch', 'trace'];

function operations(): { path: string; method: string; operation: Json }[] {
  return Object.entries(description.paths as Json).flatMap(([path, item]) =>
    Object.entries(item as Json).map(([method, operation]) => ({ path, method, operation: operation as Json })),
  );
}

test('/openapi.json is OpenAPI 3.1 with what the specification requires', () => {
  expect(description.openapi).toBe('3.1.0');
  expect(description.info).toMatchObject({ title: expect.any(String), version: expect.any(String) });
  const ids = operations().map(({ operation }) => operation.operationId);
  expect(new Set(ids).size).toBe(ids.length);
  for (const { path, method, operation } of operations()) {
    const name = `${method} ${path}`;
    expect(METHODS, name).toContain(method);
    expect(path, name).toMatch(/^\//);
    const declared = operation.parameters.filter((each: Json) => each.in === 'path').map((each: Json) => each.name);
    expect(declared.sort(), name).toEqual([...path.matchAll(/\{(\w+)\}/g)].map(([, part]) => part).sort());
    const keys = operation.parameters.map((each: Json) => `${each.in} ${each.name}`);
    expect(new Set(keys).size, name).toBe(keys.length);
    for (const parameter of operation.parameters) {
      expect(['path', 'query', 'header', 'cookie'], name).toContain(parameter.in);
      expect(parameter, name).toHaveProperty('schema');
      if (parameter.in === 'path') expect(parameter.required, name).toBe(true);
    }
    if (method === 'get') expect(operation, name).not.toHaveProperty('requestBody');
    for (const answer of Object.values(operation.responses)) expect(answer, name).toHaveProperty('description');
  }
});

test('every reference in it leads somewhere', () => {
  const at = (pointer: string): unknown =>
    pointer
      .slice(2)
      .split('/')
      .reduce((value: Json, part) => value?.[part.replaceAll('~1', '/').replaceAll('~0', '~')], description);
  const visit = (value: unknown): void => {
    if (value === null || typeof value !== 'object') return;
    const { $ref } = value as { $ref?: unknown };
    if (typeof $ref === 'string') {
      expect($ref).toMatch(/^#\//);
      expect(at($ref), $ref).toBeDefined();
    }
    Object.values(value).forEach(visit);
  };
  visit(description);
});

test('it names every route of the table, and /capabilities every operation', async () => {
  const table = [...server.node.kernel.operations.values()];
  const routes = table.flatMap(({ http }) => http).map((route) => route.replace(/:(\w+)/g, '{$1}'));
  const described = operations().map(({ path, method }) => `${method.toUpperCase()} ${path}`);
  expect(described.sort()).toEqual([...new Set([...routes, 'POST /call/{operation}'])].sort());
  const { body } = await server.get('/capabilities');
  expect(body.operations.map(({ name }: { name: string }) => name)).toEqual(table.map(({ name }) => name));
  const { body: compact } = await server.get('/capabilities?compact=1');
  expect(JSON.stringify(compact).length).toBeLessThan(JSON.stringify(body).length / 2);
  for (const { hint } of body.operations) expect(hint).toBeTruthy();
});

test('a hint works in a shell in which URL is the address of this server, and names no other', async () => {
  const { body } = await server.get('/capabilities');
  for (const { hint } of body.operations) expect(hint).not.toMatch(/https?:|127\.0|localhost|\b\d{4,5}\b/);
  const { hint } = body.operations.find(({ name }: { name: string }) => name === 'channels.list');
  const { stdout } = await promisify(execFile)('bash', ['-c', hint], {
    env: { PATH: process.env.PATH, URL: server.url },
  });
  expect(JSON.parse(stdout)).toEqual((await server.get('/chat/channels')).body);
});

test('every route of it is there', async () => {
  for (const { path, method } of operations()) {
    if (path === '/events/subscribe') continue;
    const body = method === 'get' ? undefined : {};
    const answer = await server.send(method.toUpperCase(), `${path.replace(/\{\w+\}/g, 'none')}?wait=0`, body);
    expect(['route_not_found', 'method_not_allowed'], `${method} ${path}`).not.toContain(answer.body.code);
    expect(answer.status, `${method} ${path}`).toBeLessThan(500);
  }
});

test('/docs and what it loads come from here, under a strict policy', async () => {
  const page = await fetch(`${server.url}/docs`);
  const html = await page.text();
  expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8');
  const policy = page.headers.get('content-security-policy') ?? '';
  expect(policy).toContain("default-src 'self'");
  expect(policy).toContain("frame-ancestors 'none'");
  expect(policy).not.toMatch(/unsafe-eval|https?:|\*|script-src/);
  expect(html).not.toMatch(/https?:|<script>|\son\w+=|style=/);
  const assets = [...html.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, path]) => path as string);
  expect(assets.length).toBeGreaterThanOrEqual(4);
  for (const path of assets) {
    expect(path).toMatch(/^\/docs\//);
    const asset = await fetch(server.url + path);
    expect(asset.status, path).toBe(200);
    expect(asset.headers.get('x-content-type-options'), path).toBe('nosniff');
    const text = await asset.text();
    if (path.endsWith('.css')) expect(text).not.toMatch(/url\(["']?https?:|@import/);
  }
  expect(await (await fetch(`${server.url}/docs/page.js`)).text()).toContain("url: '/openapi.json'");
});

test('no page is served beside it that has no policy', async () => {
  for (const path of ['/docs/index.html', '/docs/oauth2-redirect.html'])
    expect((await server.get(path)).status, path).toBe(404);
});
