import { expect, test, vi } from 'vitest';
import { ERAS, mcpClient } from '../support/mcp.ts';
import { testNode } from '../support/node.ts';

test.each(ERAS)('two agents do a task from hand-over to review with tools alone, over %s', async (era) => {
  await using node = await testNode();
  await using link = await mcpClient(node.url, { era, agent: 'link' });
  await using kai = await mcpClient(node.url, { era, agent: 'kai' });

  const created = await link.call('create_task', {
    title: 'Write the importer',
    description: 'It reads the old files.',
    priority: 'P1',
    reviewer: 'link',
  });
  const { id } = created.structured.task;
  expect(JSON.stringify(created)).not.toContain('It reads');

  const next = await kai.call('next_task');
  expect(next.structured).toMatchObject({ task: { id, status: 'doing' }, claim: { agent: 'kai' } });
  expect(next.text).toContain('It reads the old files.');
  const claim = next.structured.claim.id;
  expect((await link.call('next_task')).structured.task).toBeNull();

  const files = await kai.call('reserve_files', { paths: ['src/import/**'], task: id, claim });
  expect(files.structured.reservation).toMatchObject({ agent: 'kai', paths: ['src/import/**'] });
  const refused = await link.call('reserve_files', { paths: ['src/import/a.ts'] });
  expect(refused).toMatchObject({ isError: true, structured: { code: 'paths_reserved', status: 409 } });
  expect(refused.text).toContain('kai');

  const beat = await kai.call('update_task', { id, action: 'heartbeat', claim });
  expect(beat.structured.claim.id).toBe(claim);
  const comment = await kai.call('update_task', { id, action: 'comment', comment: 'half of it is done' });
  expect(comment.structured.comment.channel).toBe(`task:${id}`);
  expect(JSON.stringify(comment)).not.toContain('half of it');
  await kai.call('update_task', { id, tags: ['import'], claim });
  const complete = await kai.call('update_task', {
    id,
    action: 'complete',
    claim,
    result: 'all files are read',
    artifacts: [{ name: 'importer', url: 'src/import/main.ts' }],
  });
  expect(complete.structured.task.status).toBe('validating');

  const inbox = await link.call('inbox');
  expect(inbox.structured.messages.map(({ reason }: { reason: string }) => reason)).toContain('review');
  const review = await link.call('update_task', { id, action: 'review', verdict: 'approve', comment: 'well done' });
  expect(review.structured.task.status).toBe('done');

  const { structured } = await link.call('get_tasks', { id });
  expect(structured.task).toMatchObject({
    priority: 'P1',
    tags: ['import'],
    result: 'all files are read',
    status: 'done',
  });
  const thread = await link.call('get_tasks', { id, thread: true });
  expect(thread.text).toContain('half of it is done');
  const { presences } = (await link.call('who')).structured;
  expect(presences.map(({ agent }: { agent: string }) => agent)).toEqual(['kai', 'link']);
});

test('a refusal says which argument is wrong, in the names that the tool has', async () => {
  await using node = await testNode();
  await using mcp = await mcpClient(node.url);
  const refusals: [string, object, RegExp][] = [
    ['post_message', { content: 'who am I' }, /agent: is required/],
    ['post_message', { agent: 'kai', contents: 'x' }, /contents: post_message has no such argument; it takes content/],
    ['post_message', { agent: 'kai' }, /content: is required/],
    ['post_message', { agent: 'not a name', content: 'x' }, /agent: a name has 1 to 64 letters/],
    ['post_message', { agent: 7, content: 'x' }, /agent: a text/],
    ['post_message', { agent: 'kai', content: 'x', idempotency_key: 7 }, /idempotency_key: a text/],
    ['update_task', { agent: 'kai', id: 'x', action: 'eat' }, /action: one of update, claim/],
    [
      'update_task',
      { agent: 'kai', id: 'x', action: 'heartbeat', title: 'y' },
      /title: says nothing where the action is heartbeat/,
    ],
    ['update_task', { agent: 'kai', id: 'x', action: 'comment' }, /comment: is required/],
    ['update_task', { agent: 'kai', id: 'x', action: 'constructor' }, /action: one of/],
    ['get_tasks', { thread: true }, /id: is required/],
    ['get_tasks', { id: 'task-1-none' }, /task_not_found/],
    ['reserve_files', { agent: 'kai', action: 'list', paths: ['a'] }, /paths: says nothing/],
    ['read_messages', { max_tokens: 3 }, /max_tokens: a whole number, 100 or more/],
    ['read_messages', { cursor: 'nonsense' }, /invalid_cursor/],
    ['call_tool', {}, /q: give q to find a tool/],
    ['call_tool', { name: 'events.subscribe' }, /name: there is no such tool/],
    ['call_tool', { name: 'toString' }, /agent: is required/],
    ['call_tool', { name: 'tasks.get', input: [] }, /input: an object/],
  ];
  const before = node.node.kernel.feed.head;
  for (const [name, input, complaint] of refusals) {
    const { isError, text, structured } = await mcp.call(name, input as Record<string, unknown>);
    expect({ name, isError, text }).toEqual({ name, isError: true, text: expect.stringMatching(complaint) });
    expect(text).toMatch(/\nhint: \S/);
    expect(structured).toMatchObject({
      code: expect.any(String),
      status: expect.any(Number),
      hint: expect.any(String),
    });
  }
  expect(node.node.kernel.feed.head).toBe(before);
});

test('call_tool finds every operation and calls it by its name, as the caller', async () => {
  await using node = await testNode();
  await using mcp = await mcpClient(node.url, { agent: 'kai' });
  const found = await mcp.call('call_tool', { q: 'workflow start' });
  expect(found.structured.tools.map(({ name }: { name: string }) => name)).toEqual(['workflows.start']);
  expect(found.text).toContain('workflows.start(name, createdBy, defaults?, parent?)');
  expect((await mcp.call('call_tool', { q: 'no such thing' })).text).toContain('use other words');
  const registered = await mcp.call('call_tool', {
    name: 'agents.register',
    input: { name: 'kai', role: 'builder' },
  });
  expect(registered.structured.result.agent).toMatchObject({ name: 'kai', role: 'builder' });
  expect((await mcp.call('who', { roles: true })).text).toContain('kai: builder');
  const declared = await mcp.call('call_tool', { name: 'presence.declare', input: { status: 'reviewing' } });
  expect(declared.structured.result.presence).toMatchObject({ agent: 'kai', status: 'reviewing' });
  expect((await mcp.call('who', { name: 'kai' })).text).toContain('kai: reviewing');
  const refused = await mcp.call('call_tool', { name: 'tasks.delete', input: { id: 'task-1-none' } });
  expect(refused).toMatchObject({ isError: true, structured: { code: 'task_not_found' } });
});

test('call_tool finds and calls the tools of folders, and says how one that failed did', async () => {
  vi.stubEnv('HTTP_FETCH_HOSTS', '127.0.0.1');
  await using node = await testNode({ env: { TOOLS_DIR: 'tools', TOOL_ENV: 'HTTP_FETCH_HOSTS' } });
  await using mcp = await mcpClient(node.url, { agent: 'kai' });
  const found = await mcp.call('call_tool', { q: 'time' });
  expect(found.structured.shared).toMatchObject([{ name: 'current_time', status: 'ready' }]);
  expect(found.text).toContain('current_time: ');
  const shape = await mcp.call('call_tool', { name: 'tools.get', input: { name: 'current_time' } });
  expect(shape.structured.result.tool.input_schema).toMatchObject({ type: 'object' });
  const called = await mcp.call('call_tool', {
    name: 'current_time',
    input: { at: '2026-01-31T12:00:00Z', zone: 'Asia/Tokyo' },
  });
  expect(called.structured.result).toMatchObject({ success: true, result: { zone: 'Asia/Tokyo' } });
  const wrong = await mcp.call('call_tool', { name: 'current_time', input: { zone: 7 } });
  expect(wrong).toMatchObject({ isError: true, structured: { code: 'invalid_tool_input' } });
  expect(wrong.text).toContain('tools.get');
  const failed = await mcp.call('call_tool', { name: 'http_fetch', input: { url: 'http://example.com/' } });
  expect(failed).toMatchObject({ isError: true, structured: { result: { success: false } } });
  expect(failed.text).toMatch(/HTTP_FETCH_HOSTS/);
  expect(failed.text).toMatch(/\ncursor: \S+/);
  const absent = await mcp.call('call_tool', { name: 'no_such_tool' });
  expect(absent).toMatchObject({ isError: true, structured: { code: 'tool_not_found' } });
  vi.unstubAllEnvs();
});
