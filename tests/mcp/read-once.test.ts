import { expect, test } from 'vitest';
import { mcpClient } from '../support/mcp.ts';
import { testNode } from '../support/node.ts';

/** A route as the table has it, from a line that shows it. */
const ROUTE = /`((?:GET|POST|PUT|PATCH|DELETE) \/[\w/:.-]*)/g;

test('/SKILL.md tells a new agent the loop, in 150 lines at most, and names nothing that is not there', async () => {
  await using node = await testNode();
  const { status, headers, body } = await node.get('/SKILL.md');
  expect(status).toBe(200);
  expect(headers.get('content-type')).toBe('text/markdown; charset=utf-8');
  expect(body.split('\n').length).toBeLessThanOrEqual(150);
  const [, front = ''] = /^---\n([\s\S]*?)\n---\n/.exec(body) ?? [];
  const fields = Object.fromEntries(front.split('\n').map((line) => line.split(/: (.*)/s).slice(0, 2)));
  expect(fields.name).toBe('reflectt-node');
  expect(fields.description.length).toBeGreaterThan(60);
  expect(fields.description.length).toBeLessThanOrEqual(1_024);
  const routes = new Set([...node.node.kernel.operations.values()].flatMap(({ http }) => http as readonly string[]));
  const named = [...body.matchAll(ROUTE)].map(([, route]) => route as string);
  expect(named.length).toBeGreaterThan(10);
  expect(named.filter((route) => !routes.has(route))).toEqual([]);
  await using mcp = await mcpClient(node.url);
  const tools = (await mcp.client.listTools()).tools.map(({ name }) => name);
  const listed = [...body.matchAll(/^- `(\w+)`: /gm)].map(([, name]) => name);
  expect(listed).toEqual(tools);
  for (const [, steps = ''] of body.matchAll(/Tool: `([^`]+)`/g))
    for (const [name] of steps.matchAll(/\b[a-z]+(?:_[a-z]+)*(?= \{|, |$)/g))
      if (name.includes('_')) expect(tools, steps).toContain(name);
});

test('/llms.txt names every operation with its route, under the address by which it was asked', async () => {
  await using node = await testNode();
  const { headers, body } = await node.get('/llms.txt');
  expect(headers.get('content-type')).toBe('text/plain; charset=utf-8');
  expect(body).toMatch(/^# reflectt-node\n\n> /);
  for (const { name, http } of node.node.kernel.operations.values()) {
    expect(body).toContain(`- ${name} `);
    for (const route of http) expect(body).toContain(`\`${route}\``);
  }
  const links = [...body.matchAll(/\]\((http[^)]+)\)/g)].map(([, url]) => url as string);
  expect(links.length).toBeGreaterThan(4);
  for (const url of links) {
    expect(url.startsWith(node.url)).toBe(true);
    // A page that is not there would answer 404; /mcp wants a POST.
    expect((await fetch(url)).status).toBe(url.endsWith('/mcp') ? 405 : 200);
  }
});

test('/capabilities?compact=1 is short and whole, and can be asked for words', async () => {
  await using node = await testNode();
  const all = (await node.get('/capabilities?compact=1')).body.operations;
  expect(all.length).toBe(node.node.kernel.operations.size);
  expect(Object.keys(all[0]).sort()).toEqual(['http', 'name', 'summary']);
  const found = (await node.get('/capabilities?compact=1&q=claim task')).body.operations;
  expect(found.map(({ name }: { name: string }) => name)).toContain('tasks.claim');
  expect(found.length).toBeLessThan(all.length);
  expect((await node.get('/capabilities?q=nonsense')).body.operations).toEqual([]);
});

test('what the loop of /SKILL.md says is done as it says, without MCP', async () => {
  await using node = await testNode();
  const { body } = await node.get('/SKILL.md');
  const { id } = await node.post('link', '@kai can you look at it?');
  const { task } = (await node.send('POST', '/tasks', { title: 'Look', createdBy: 'link' })).body;
  const known: Record<string, string> = { ':name': 'kai', ':agent': 'kai' };
  let claim = '';
  for (const [, method, path = '', sent = ''] of body.matchAll(/Route: `([A-Z]+) (\S+?)(?: (\{.*?\}))?`\./g)) {
    const filled = path.replace(/:\w+/g, (name: string) => known[name] ?? task.id);
    const fields = sent === '' ? undefined : JSON.parse(sent.replaceAll('<you>', 'kai'));
    if (fields?.claim === '…') fields.claim = claim;
    if (fields?.threadId) fields.threadId = id;
    if (fields?.messageIds) fields.messageIds = [id];
    if (fields?.wait) fields.wait = 0;
    const query = filled === '/wait/kai' ? '?timeout=0' : filled === '/memories/search' ? '?q=it' : '';
    const answer = await node.send(method as string, filled + query, fields, { 'x-agent': 'kai' });
    expect({ route: `${method} ${path}`, status: answer.status, body: answer.body }).toMatchObject({ status: 200 });
    if (answer.body.claim) claim = answer.body.claim.id;
  }
  const done = (await node.get(`/tasks/${task.id}`)).body.task;
  expect(done.status).toBe('done');
});
