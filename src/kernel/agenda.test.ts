import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Agenda } from './agenda.ts';

/** An agenda over times that may be changed, and how often each was asked for. */
function open(times: Record<string, number>) {
  const agenda = new Agenda();
  const asked: string[] = [];
  const next = (wall: number) =>
    agenda.next(wall, (id) => {
      asked.push(id);
      return times[id];
    });
  for (const id of Object.keys(times)) agenda.touch(id);
  return { agenda, asked, next, times };
}

test('the first time is the earliest', () => {
  const { next } = open({ a: 30, b: 20, c: 40 });
  expect(next(10)).toBe(20);
});

test('what time alone does not bring is looked at no more', () => {
  const { next, asked, agenda } = open({});
  agenda.touch('a');
  expect(next(10)).toBeUndefined();
  expect(next(1e9)).toBeUndefined();
  expect(asked).toEqual(['a']);
});

test('a time that moves on is asked for when the former one comes, and not each time that it moves', () => {
  const { agenda, next, asked, times } = open({ a: 20, b: 25 });
  next(0);
  asked.length = 0;
  for (times.a = 30; times.a < 60; times.a++) {
    agenda.touch('a');
    expect(next(1)).toBe(20);
  }
  expect(asked).toHaveLength(30);
  expect(next(20)).toBe(25);
  expect(agenda.due(20, 10)).toEqual([]);
  expect(next(26)).toBe(25);
  expect(agenda.due(60, 10)).toEqual(['b', 'a']);
});

test('a time that moves forward is the first at once', () => {
  const { agenda, next, times } = open({ a: 20, b: 25 });
  expect(next(0)).toBe(20);
  times.b = 5;
  agenda.touch('b');
  expect(next(0)).toBe(5);
});

test('what is due stays so until it is done', () => {
  const { agenda, next, times } = open({ a: 20, b: 10, c: 30 });
  expect(next(20)).toBe(10);
  expect(agenda.due(20, 10)).toEqual(['b', 'a']);
  expect(agenda.due(20, 1)).toEqual(['b']);
  expect(next(20)).toBe(10);
  times.b = 50;
  times.a = 60;
  expect(next(20)).toBe(30);
  expect(agenda.due(20, 10)).toEqual([]);
});

test('for any times and touches, what is due by the agenda holds all that is due by asking everybody', () => {
  const step = fc.record({ id: fc.constantFrom('a', 'b', 'c'), at: fc.option(fc.nat(30)), pass: fc.nat(5) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const times = new Map<string, number>();
      const agenda = new Agenda();
      let wall = 0;
      for (const { id, at, pass } of steps) {
        if (at === null) times.delete(id);
        else times.set(id, wall + at);
        agenda.touch(id);
        wall += pass;
        const next = agenda.next(wall, (each) => times.get(each));
        const due = [...times].filter(([, time]) => time <= wall).map(([each]) => each);
        expect(agenda.due(wall, 10)).toEqual(expect.arrayContaining(due));
        expect((next ?? Number.POSITIVE_INFINITY) <= wall).toBe(due.length > 0);
        // Nothing that is due later is looked at too late.
        if (due.length === 0 && times.size > 0) expect(next).toBeLessThanOrEqual(Math.min(...times.values()));
      }
    }),
  );
});
