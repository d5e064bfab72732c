import fc from 'fast-check';
import { expect, test } from 'vitest';
import { given, type Scene } from '../../../tests/support/given.ts';
import { agents } from '../agents/index.ts';
import { channels } from '../channels/index.ts';
import { inbox } from '../inbox/index.ts';
import { messages } from './index.ts';

const NAMES = ['link', 'kai', 'pixel'];

/** What the world should look like: plain lists, counted anew each time. */
interface Said {
  id: string;
  from: string;
  channel: string;
  parent: string | undefined;
  content: string;
  reactions: Map<string, Set<string>>;
  alive: boolean;
}

const act = fc.record({
  who: fc.constantFrom(...NAMES),
  what: fc.constantFrom('post', 'post', 'reply', 'react', 'react', 'edit', 'delete'),
  which: fc.nat(20),
  word: fc.constantFrom('👍', 'ok', 'constructor'),
  channel: fc.constantFrom('general', 'dev', 'ops', 'lab'),
});
type Act = typeof act extends fc.Arbitrary<infer T> ? T : never;

/** Does it to the model and to the scene; both say whether it may be done. */
function step(scene: Scene, model: Said[], { who, what, which, word, channel }: Act): Scene {
  const target = model[which % Math.max(1, model.length)];
  if (what === 'post' || target === undefined) {
    const { answer, after } = scene.when('messages.send', { from: who, content: 'x', channel });
    const { id } = answer.message;
    model.push({ id, from: who, channel, parent: undefined, content: 'x', reactions: new Map(), alive: true });
    return after;
  }
  const { id } = target;
  if (!target.alive) {
    return scene.when('messages.react', { id, from: who, emoji: word }).thenRefused('message_deleted');
  }
  if (what === 'reply') {
    const { answer, after } = scene.when('messages.send', { from: who, content: 'y', threadId: id });
    const parent = target.parent ?? id;
    model.push({ ...target, id: answer.message.id, from: who, parent, content: 'y', reactions: new Map() });
    return after;
  }
  if (what === 'react') {
    const those = target.reactions.get(word) ?? new Set();
    if (!those.delete(who)) those.add(who);
    target.reactions.set(word, those);
    return scene.when('messages.react', { id, from: who, emoji: word }).after;
  }
  const call = what === 'edit' ? { id, from: who, content: word } : { id, from: who };
  const decision = scene.when(`messages.${what}`, call);
  if (target.from !== who) return decision.thenRefused('not_the_author');
  if (what === 'edit') target.content = word;
  else target.alive = false;
  return decision.after;
}

function agree(scene: Scene, model: Said[]): void {
  for (const said of model) {
    const message = scene.entity('messages', said.id);
    const reactions = [...said.reactions].filter(([, those]) => those.size > 0);
    expect(message).toMatchObject({ from: said.from, channel: said.channel, content: said.alive ? said.content : '' });
    expect(message.reactions).toEqual(
      said.alive ? Object.fromEntries(reactions.map(([emoji, those]) => [emoji, [...those]])) : {},
    );
    expect(message.replyCount ?? 0).toBe(model.filter(({ parent, alive }) => parent === said.id && alive).length);
  }
  for (const channel of scene.all('channels')) {
    const here = model.filter((said) => said.channel === channel.id);
    expect(channel.count).toBe(here.filter(({ alive }) => alive).length);
    expect(channel.participants).toEqual([...new Set(here.map(({ from }) => from))]);
  }
  expect(scene.all('agents').map(({ name }) => name)).toEqual([...new Set(scene.events.map(({ actor }) => actor))]);
}

test('reactions toggle, replyCount is the number of living replies, channels count living messages: for any history', () => {
  fc.assert(
    fc.property(fc.array(act, { minLength: 1, maxLength: 25 }), (acts) => {
      const model: Said[] = [];
      let scene = given([agents, channels, inbox, messages]);
      for (const one of acts) scene = step(scene, model, one);
      agree(scene, model);
    }),
    { numRuns: 150 },
  );
});
