import { describe, expect, test } from 'vitest';
import { given, type Past, type Scene, T0 } from '../../../tests/support/given.ts';
import { claimed, created } from '../../../tests/support/tasks.ts';
import { agents } from '../agents/index.ts';
import { channels } from '../channels/index.ts';
import { tasks } from '../tasks/index.ts';
import { presence } from './index.ts';

const table = [agents, channels, tasks, presence];
const MINUTE = 60_000;
const IDLE = 5 * MINUTE;
const OFFLINE = 15 * MINUTE;
const AGAIN = 10_000;
const nobody = given(table);

/** The status that is to be written down now, and the scene once it is; the one that is, where nothing is to be written. */
function settled(scene: Scene, agent = 'link'): { scene: Scene; status: string; task?: string } {
  let after = scene;
  try {
    after = scene.whenDue().after;
  } catch (error) {
    if (!(error instanceof Error) || error.message !== 'nothing is due') throw error;
  }
  const { status = 'offline', task } = after.entity('presences', agent) ?? {};
  return { scene: after, status, ...(task !== undefined && { task }) };
}

/** How link is after one thing after another: for each step the status that is written down. */
function course(...steps: [name: string, step: (scene: Scene) => Scene][]) {
  let scene = nobody;
  return steps.map(([name, step]) => {
    const now = settled(step(scene));
    scene = now.scene;
    return `${name}: ${now.status}${now.task === undefined ? '' : ` at ${now.task}`}`;
  });
}

const acts = (scene: Scene) =>
  scene.when('channels.create', { id: 'c', name: String(scene.events.length) }, 'link').after;
const beats = (scene: Scene) => scene.when('presence.heartbeat', { agent: 'link' }).after;
const says =
  (status: string, more: object = {}) =>
  (scene: Scene) =>
    scene.when('presence.declare', { agent: 'link', status, ...more }).after;
const sees =
  (...seen: Parameters<Scene['sees']>[1][]) =>
  (scene: Scene) =>
    scene.sees('link', ...seen);
const later = (ms: number) => (scene: Scene) => scene.later(ms);
const adds = (...past: Past[]) => given(table, ...past);

describe('without a word of its own an agent', () => {
  test('that was never seen is not known', async () => {
    expect(await nobody.asks('presence.get', { agent: 'link' })).toEqual({
      presence: null,
      message: 'No presence data for this agent',
    });
    expect(await nobody.asks('presence.list', {})).toEqual({ presences: [] });
  });

  test('works while it changes things, is idle after a time, and offline after a longer one', () => {
    expect(
      course(
        ['acts', acts],
        ['a little later', later(IDLE - 1_000)],
        ['acts again', acts],
        ['just before', later(IDLE - 10)],
        ['silent', later(IDLE)],
        ['just before', later(OFFLINE - 2 * IDLE - 1_000)],
        ['silent for long', later(OFFLINE)],
        ['is back', acts],
      ),
    ).toEqual([
      'acts: working',
      'a little later: working',
      'acts again: working',
      'just before: working',
      'silent: idle',
      'just before: idle',
      'silent for long: offline',
      'is back: working',
    ]);
  });

  test('is here while it gives a sign or has a stream, and no more than that', () => {
    expect(
      course(
        ['beats', beats],
        ['beats on', (scene) => beats(scene.later(OFFLINE - 1))],
        ['gone', later(OFFLINE)],
        ['a stream', sees('opened')],
        ['quiet', later(10 * OFFLINE)],
        ['torn', sees('closed')],
        ['a while', later(OFFLINE - 1)],
        ['gone', later(1)],
      ),
    ).toEqual([
      'beats: idle',
      'beats on: idle',
      'gone: offline',
      'a stream: idle',
      'quiet: idle',
      'torn: idle',
      'a while: idle',
      'gone: offline',
    ]);
  });

  test('waits while a request of it waits, and between two that follow each other', () => {
    expect(
      course(
        ['acts', acts],
        ['waits', sees('waits')],
        ['for long', later(OFFLINE)],
        ['is answered', sees('answered')],
        ['waits again', (scene) => sees('waits')(scene.later(AGAIN - 1))],
        ['is answered again', sees('answered')],
        ['does something', acts],
        ['and does not wait again', later(AGAIN)],
        ['is silent', later(IDLE)],
      ),
    ).toEqual([
      'acts: working',
      'waits: waiting',
      'for long: waiting',
      'is answered: waiting',
      'waits again: waiting',
      'is answered again: waiting',
      'does something: waiting',
      'and does not wait again: working',
      'is silent: idle',
    ]);
  });

  test('is idle, not working, when it waited and has done nothing since', () => {
    expect(course(['waits', sees('waits', 'answered')], ['no more', later(AGAIN)])).toEqual([
      'waits: waiting',
      'no more: idle',
    ]);
  });
});

describe('a claim', () => {
  const board = adds(created('t'), created('u'));

  test('means work at the task, however silent its holder, until it ends', () => {
    const { scene } = claimed(board, 't', 'link');
    const at = settled(scene);
    expect(at).toMatchObject({ status: 'working', task: 't' });
    expect(settled(at.scene.later(OFFLINE - 1_000))).toMatchObject({ status: 'working', task: 't' });
    // Its time is over: first the claim ends, then its holder is looked at.
    const expired = at.scene.later(OFFLINE).whenDue();
    expect(expired.events[0]?.type).toBe('task_lease_expired');
    expect(settled(expired.after)).toMatchObject({ status: 'offline' });
  });

  test('is looked at the longest, of several', () => {
    const one = settled(claimed(board, 't', 'link').scene).scene;
    const two = settled(claimed(one.later(5), 'u', 'link').scene);
    expect(two).toMatchObject({ status: 'working', task: 't' });
    const { after } = two.scene.when('tasks.release', { id: 't', agent: 'link' });
    expect(settled(after)).toMatchObject({ status: 'working', task: 'u' });
  });

  test('that another takes over is the work of the other', () => {
    const { scene } = claimed(board, 't', 'link');
    const { after } = settled(scene).scene.when('tasks.claim', { id: 't', agent: 'kai', takeover: true });
    const { events, after: written } = after.whenDue();
    expect(events.map(({ data }) => [data.agent, data.status, data.task])).toEqual(
      expect.arrayContaining([
        ['link', 'working', undefined],
        ['kai', 'working', 't'],
      ]),
    );
    expect(written.entity('presences', 'link').task).toBeUndefined();
  });

  test('says more than what its holder said before, and less than what it says after', () => {
    const said = settled(board.when('presence.declare', { agent: 'link', status: 'reviewing', task: 'PR 7' }).after);
    expect(said).toMatchObject({ status: 'reviewing', task: 'PR 7' });
    const holds = settled(claimed(said.scene.later(5), 't', 'link').scene);
    expect(holds).toMatchObject({ status: 'working', task: 't' });
    const stuck = settled(holds.scene.when('presence.declare', { agent: 'link', status: 'blocked' }).after);
    expect(stuck).toMatchObject({ status: 'blocked' });
    // While it holds the task it need not say so again.
    expect(settled(stuck.scene.later(IDLE + 1_000))).toMatchObject({ status: 'blocked' });
    // A renewed claim is none that it took later.
    const renewed = stuck.scene.later(IDLE).when('tasks.heartbeat', { id: 't', agent: 'link' });
    expect(renewed.events).toHaveLength(1);
    expect(settled(renewed.after)).toMatchObject({ status: 'blocked' });
  });

  test('says more than that its holder is idle', () => {
    const { scene } = claimed(board, 't', 'link');
    settled(scene).scene.when('presence.declare', { agent: 'link', status: 'idle' }).thenNothing();
  });

  test('leaves its holder idle when it ends, where that is what the holder said', () => {
    const { scene } = claimed(board, 't', 'link');
    const reviewing = settled(scene).scene.when('presence.declare', { agent: 'link', status: 'reviewing' }).after;
    const idle = settled(reviewing.when('presence.declare', { agent: 'link', status: 'idle' }).after);
    expect(idle).toMatchObject({ status: 'working', task: 't' });
    const { after } = idle.scene.when('tasks.update', { id: 't', status: 'todo', takeover: true }, 'kai');
    expect(settled(after)).toEqual({ scene: expect.anything(), status: 'idle' });
  });
});

describe('what an agent says of itself', () => {
  test('is written down and answered in the original shape', () => {
    const decision = nobody.when('presence.declare', { agent: 'link', status: 'reviewing', task: 'PR 7' });
    const data = {
      agent: 'link',
      status: 'reviewing',
      task: 'PR 7',
      since: T0,
      lastUpdate: T0,
      connections: 0,
      declared: true,
    };
    decision.then({ type: 'presence_updated', subject: 'link', data });
    expect(decision.answer).toEqual({ success: true, presence: data });
    expect(decision.after.entity('presences', 'link')).toEqual({ ...data, said: 1 });
  });

  test.each(['working', 'reviewing', 'blocked', 'waiting'])(
    '%s lasts as long as there are signs of life, and is not back with the next one',
    (status) => {
      expect(
        course(
          ['says', says(status)],
          ['beats', (scene) => beats(scene.later(IDLE - 1))],
          ['still', later(IDLE - 1)],
          ['silent', later(1)],
          ['beats', beats],
        ),
      ).toEqual([`says: ${status}`, `beats: ${status}`, `still: ${status}`, 'silent: idle', 'beats: idle']);
    },
  );

  test('is not kept by a stream alone', () => {
    expect(course(['opens', sees('opened')], ['says', says('reviewing')], ['silent', later(IDLE)])).toEqual([
      'opens: idle',
      'says: reviewing',
      'silent: idle',
    ]);
  });

  test('idle takes back what it did before, and not what it does after', () => {
    expect(
      course(
        ['acts', acts],
        ['says', says('idle')],
        ['beats', beats],
        ['waits', sees('waits')],
        ['no more', (scene) => sees('answered')(scene).later(AGAIN)],
        ['acts', acts],
      ),
    ).toEqual(['acts: working', 'says: idle', 'beats: idle', 'waits: waiting', 'no more: idle', 'acts: working']);
  });

  test('again changes nothing, unless it is so since another time', () => {
    const said = says('working', { task: 't' })(nobody);
    said.later(5).when('presence.declare', { agent: 'link', status: 'working', task: 't' }).thenNothing();
    const { after } = said
      .later(5)
      .when('presence.declare', { agent: 'link', status: 'working', task: 't', since: 77 });
    expect(after.entity('presences', 'link').since).toBe(77);
  });

  test('is never since a time that is to come', () => {
    const { answer } = nobody.when('presence.declare', { agent: 'link', status: 'idle', since: T0 + 1e9 });
    expect(answer.presence.since).toBe(T0);
  });

  test('keeps the time since when the server sees it so already', () => {
    const { scene } = settled(acts(nobody));
    const { since } = scene.entity('presences', 'link');
    expect(says('working')(scene.later(99)).entity('presences', 'link')).toMatchObject({ since, declared: true });
  });

  test.each([[{}], [{ status: 'asleep' }], [{ status: 'idle', task: '' }], [{ status: 'idle', since: -1 }]])(
    'must be a presence: not %j',
    (input) => {
      nobody.when('presence.declare', { agent: 'link', ...input }).thenRefused('invalid_input', 'status is required');
    },
  );
});

describe('goodbye', () => {
  test('holds against what is there already, until the next sign of life', () => {
    expect(
      course(
        ['opens', sees('opened')],
        ['acts', acts],
        ['says', says('offline')],
        ['its stream still open', later(5)],
        ['its stream closed', sees('closed')],
        ['beats', beats],
      ),
    ).toEqual([
      'opens: idle',
      'acts: working',
      'says: offline',
      'its stream still open: offline',
      'its stream closed: offline',
      'beats: idle',
    ]);
  });

  test('may be said twice', () => {
    expect(course(['says', says('offline')], ['again', (scene) => says('offline')(scene.later(5))])).toEqual([
      'says: offline',
      'again: offline',
    ]);
  });

  test.each(['opened', 'waits'] as const)('is over when something new is %s', (seen) => {
    expect(settled(sees(seen)(says('offline')(acts(nobody)))).status).not.toBe('offline');
  });

  test('of its last stream is one at once, if nothing else holds the agent', () => {
    const here = (...more: Parameters<Scene['sees']>[1][]) => settled(acts(sees('opened', ...more)(nobody))).scene;
    const status = (scene: Scene) => settled(sees('goodbye')(scene)).status;
    expect(status(here())).toBe('offline');
    expect(status(here('opened'))).toBe('working');
    expect(status(here('waits'))).toBe('waiting');
    const holder = settled(claimed(adds(created('t')).sees('link', 'opened'), 't', 'link').scene).scene;
    expect(status(holder)).toBe('working');
    const { after } = sees('goodbye')(holder).when('tasks.update', { id: 't', status: 'todo', takeover: true }, 'kai');
    expect(settled(after).status).toBe('offline');
  });

  test('holds although a claim is held, and ends with the next claim', () => {
    const { scene } = claimed(adds(created('t'), created('u')), 't', 'link');
    const gone = settled(scene).scene.when('presence.declare', { agent: 'link', status: 'offline' }).after;
    expect(settled(gone).status).toBe('offline');
    expect(settled(gone.restarted()).status).toBe('offline');
    expect(settled(claimed(gone, 'u', 'link').scene)).toMatchObject({ status: 'working', task: 't' });
  });
});

describe('after a restart', () => {
  const restarts = (scene: Scene) => scene.restarted();

  test('streams are gone: their agents are here for as long as without any sign', () => {
    expect(
      course(
        ['opens', sees('opened')],
        ['restart', (scene) => restarts(scene.later(3 * OFFLINE))],
        ['a while', later(OFFLINE - 1)],
        ['gone', later(1)],
      ),
    ).toEqual(['opens: idle', 'restart: idle', 'a while: idle', 'gone: offline']);
  });

  test('what an agent did or said lasts no longer than it would have', () => {
    const quick = (step: (scene: Scene) => Scene) =>
      course(['before', step], ['restart', (scene) => restarts(scene.later(IDLE - 2))], ['silent', later(2)]);
    expect(quick(acts)).toEqual(['before: working', 'restart: working', 'silent: idle']);
    expect(quick(says('blocked'))).toEqual(['before: blocked', 'restart: blocked', 'silent: idle']);
    const slow = course(['before', says('reviewing')], ['restart', (scene) => restarts(scene.later(IDLE))]);
    expect(slow).toEqual(['before: reviewing', 'restart: idle']);
  });

  test('whoever waited has a moment to come back', () => {
    const start: [string, (scene: Scene) => Scene][] = [
      ['waits', sees('waits')],
      ['restart', (scene) => restarts(scene.later(MINUTE))],
    ];
    expect(course(...start, ['is back', (scene) => sees('waits')(scene.later(AGAIN - 1))])).toEqual([
      'waits: waiting',
      'restart: waiting',
      'is back: waiting',
    ]);
    expect(course(...start, ['is not', later(AGAIN)]).at(-1)).toBe('is not: idle');
  });

  test('claims that are held still count, also those from before anybody looked', () => {
    const { scene } = claimed(adds(created('t')), 't', 'link');
    expect(settled(scene.restarted())).toMatchObject({ status: 'working', task: 't' });
    expect(
      settled(
        settled(scene)
          .scene.later(OFFLINE - 1_000)
          .restarted(),
      ),
    ).toMatchObject({ status: 'working' });
  });

  test('who was offline stays so', () => {
    const gone = settled(settled(acts(nobody)).scene.later(OFFLINE)).scene;
    expect(() => gone.restarted().whenDue()).toThrow('nothing is due');
  });
});
