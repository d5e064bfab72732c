import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Ephemera, type Ephemeral } from './ephemera.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function open() {
  const ephemera = new Ephemera(({ subject }) => (subject === 'secret' ? ['kai'] : undefined));
  const shown: Ephemeral[][] = [];
  const turnAway = ephemera.listen((events) => void shown.push([...events]));
  const beat = (subject: string, n: number, type = 'beat') =>
    ephemera.show(`${type} ${subject}`, () => ({ at: 1_000 + n, type, subject, actor: subject, data: { n } }));
  return { ephemera, shown, turnAway, beat };
}

test('of what comes within a moment the last of each kind about each thing is shown, once', () => {
  const { shown, beat } = open();
  beat('link', 1);
  beat('kai', 2);
  beat('link', 3);
  beat('link', 4, 'typing');
  expect(shown).toEqual([]);
  vi.advanceTimersByTime(100);
  expect(shown.map((events) => events.map(({ frame }) => JSON.parse(frame)))).toEqual([
    [
      { at: 1_003, type: 'beat', actor: 'link', subject: 'link', data: { n: 3 } },
      { at: 1_002, type: 'beat', actor: 'kai', subject: 'kai', data: { n: 2 } },
      { at: 1_004, type: 'typing', actor: 'link', subject: 'link', data: { n: 4 } },
    ],
  ]);
  vi.advanceTimersByTime(1_000);
  expect(shown).toHaveLength(1);
});

test('what comes later is shown later', () => {
  const { shown, beat } = open();
  beat('link', 1);
  vi.advanceTimersByTime(100);
  beat('link', 2);
  vi.advanceTimersByTime(100);
  expect(shown.map(([event]) => event?.event.data)).toEqual([{ n: 1 }, { n: 2 }]);
});

test('it is known who may read it', () => {
  const { shown, beat } = open();
  beat('link', 1);
  beat('secret', 2);
  vi.advanceTimersByTime(100);
  expect(shown[0]?.map(({ readers }) => readers)).toEqual([undefined, ['kai']]);
});

test('where nobody looks, nothing is held and no timer runs', () => {
  const { ephemera, shown, turnAway, beat } = open();
  beat('link', 1);
  turnAway();
  expect(ephemera.wanted).toBe(false);
  expect(vi.getTimerCount()).toBe(0);
  beat('link', 2);
  expect(vi.getTimerCount()).toBe(0);
  ephemera.listen((events) => void shown.push([...events]));
  vi.advanceTimersByTime(1_000);
  expect(shown).toEqual([]);
});
