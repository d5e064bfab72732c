import { expect, test } from 'vitest';
import { given } from '../../../tests/support/given.ts';
import { tools } from './index.ts';
import { hangUp } from './register.ts';

const SAID = { description: 'Says it louder.', category: 'agents', input_schema: { type: 'object' } };
const ENDPOINT = { ...SAID, endpoint: 'http://127.0.0.1:9/' };
const registered = (name: string, agent: string, more: object = ENDPOINT) => ({
  type: 'tool_registered',
  subject: name,
  data: { name, agent, ...more },
});

test('a tool is registered once, and again where something about it is another', () => {
  const after = given([tools])
    .when('tools.register', { name: 'shout', agent: 'ada', ...ENDPOINT })
    .then(registered('shout', 'ada'));
  expect(after.entity('tools', 'shout')).toMatchObject({ agent: 'ada', registeredAt: 1_000_000, seq: 1 });
  after.when('tools.register', { name: 'shout', agent: 'ada', ...ENDPOINT }).thenNothing();
  const changed = after.when('tools.register', { name: 'shout', agent: 'ada', ...ENDPOINT, description: 'Louder.' });
  expect(changed.after.entity('tools', 'shout')).toMatchObject({
    description: 'Louder.',
    registeredAt: 1_000_000,
    seq: 2,
  });
});

test('another agent neither replaces nor removes it', () => {
  const scene = given([tools], { ...registered('shout', 'ada'), actor: 'ada' });
  scene.when('tools.register', { name: 'shout', agent: 'kai', ...ENDPOINT }).thenRefused('tool_of_another');
  scene.when('tools.remove', { name: 'shout', agent: 'kai' }).thenRefused('tool_of_another');
  scene.when('tools.remove', { name: 'whisper', agent: 'ada' }).thenRefused('tool_not_found');
  const gone = scene
    .when('tools.remove', { name: 'shout', agent: 'ada' })
    .then({ type: 'tool_removed', subject: 'shout', data: { name: 'shout', agent: 'ada', reason: 'removed' } });
  expect(gone.all('tools')).toEqual([]);
});

test('with a connection goes what it answered for; without one named, all that depended on any', () => {
  const scene = given(
    [tools],
    registered('one', 'ada', { ...SAID, connection: 'c1' }),
    registered('two', 'ada', { ...SAID, connection: 'c2' }),
    registered('three', 'ada'),
  );
  const names = (input: object) =>
    scene.when(hangUp as never, input as never, 'system').events.map(({ subject }) => subject);
  expect(names({ connection: 'c2' })).toEqual(['two']);
  expect(names({ connection: 'c3' })).toEqual([]);
  expect(names({})).toEqual(['one', 'two']);
});

test('a call concerns who calls and whose tool it is', () => {
  const called = { type: 'tool_called', subject: 'shout', data: { tool: 'shout', owner: 'ada', agent: 'kai' } };
  expect(given([tools], called).concerned('ada', 'kai', 'link')).toEqual(['ada', 'kai']);
});
