import { describe, expect, test } from 'vitest';
import { given, type Past } from '../../../tests/support/given.ts';
import { agents } from '../agents/index.ts';
import { channels } from '../channels/index.ts';
import { inbox } from '../inbox/index.ts';
import { messages } from './index.ts';

const table = [agents, channels, inbox, messages];
const registered = (name: string, ...aliases: string[]): Past => ({
  type: 'agent_registered',
  subject: name,
  data: { name, changes: { aliases } },
});

/** Where a message of kai to this name goes. */
function sent(scene: ReturnType<typeof given>, to: string, more: object = {}) {
  const { message } = scene.when('messages.send', { from: 'kai', to, content: 'psst', ...more }).answer;
  return { channel: message.channel, to: message.to };
}

describe('who is written to', () => {
  const scene = given(table, registered('link', 'Scout', 'the.link'));
  const dm = { channel: 'dm:kai:link', to: 'link' };

  test.each(['link', 'LINK', 'Scout', 'scout', 'The.Link'])('as %s is one agent, in one private channel', (name) => {
    expect(sent(scene, name)).toEqual(dm);
  });

  test('in a private channel may be called by an alias there too', () => {
    expect(sent(scene, 'scout', { channel: 'dm:kai:link' })).toEqual(dm);
    scene
      .when('messages.send', { from: 'kai', to: 'echo', content: 'x', channel: 'dm:kai:link' })
      .thenRefused('invalid_input');
  });

  test.each(['dm:Scout:kai', 'dm:LINK:kai', 'dm:kai:the.link'])('in %s is the same agent', (channel) => {
    const { message } = scene.when('messages.send', { from: 'kai', content: 'psst', channel }).answer;
    expect({ channel: message.channel, to: message.to }).toEqual(dm);
    expect(sent(scene, 'link', { channel })).toEqual(dm);
  });

  test('by a name that nobody has yet is whoever comes under it', () => {
    expect(sent(scene, 'Nova')).toEqual({ channel: 'dm:Nova:kai', to: 'Nova' });
  });

  test('in a channel that is open is known by name as well', () => {
    expect(sent(scene, 'scout', { channel: 'dev' })).toEqual({ channel: 'dev', to: 'link' });
  });

  test('is the one whose very name it is, where it is also an alias or differs in its letters alone', () => {
    const acted: Past = { type: 'channel_created', actor: 'scout', subject: 'a', data: { channel: 'a', name: 'a' } };
    const later = given(table, registered('link', 'Scout'), acted, { ...acted, actor: 'LINK' });
    expect(['scout', 'Scout', 'LINK', 'link', 'Link'].map((name) => sent(later, name).to)).toEqual([
      'scout',
      'scout',
      'LINK',
      'link',
      'link',
    ]);
  });
});
