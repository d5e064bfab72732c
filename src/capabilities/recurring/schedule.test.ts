import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { faultsOf, isTimeZone, parseInterval, timeAfter, timesBetween } from './schedule.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Every time of a schedule after `from` until `to`, found one after another. */
function walk(schedule: Parameters<typeof timeAfter>[0], from: number, to: number): number[] {
  const times: number[] = [];
  for (let time = timeAfter(schedule, from); time !== undefined && time <= to; time = timeAfter(schedule, time))
    times.push(time);
  return times;
}

const iso = (times: readonly number[]) =>
  times.map((time) => new Date(time).toISOString().replace(/(:00)?\.000Z/, 'Z'));

describe('intervals', () => {
  test.each([
    ['1', 1_000],
    ['90', 90_000],
    ['30s', 30_000],
    ['15m', 15 * MINUTE],
    ['2h', 2 * HOUR],
    ['1d', DAY],
    ['1w', 7 * DAY],
    [' 5 m ', 5 * MINUTE],
    ['0s', 0],
  ])('%j is read', (text, ms) => {
    expect(parseInterval(text)).toBe(ms);
  });

  test.each(['', 's', '1.5h', '-1s', '1y', '1h30m', '1e3', '0x10', '1 000', '9999999999'])('%j is none', (text) => {
    expect(parseInterval(text)).toBeUndefined();
  });

  const every = fc.integer({ min: 1, max: 50 });
  const near = fc.integer({ min: -500, max: 500 });

  test('come at the anchor and every so often after it, never before', () => {
    fc.assert(
      fc.property(every, near, near, near, fc.nat(30), (every, anchor, a, b, most) => {
        const schedule = { every, anchor };
        const [from, to] = [Math.min(a, b), Math.max(a, b)];
        const all: number[] = [];
        for (let time = anchor; time <= 600; time += every) all.push(time);
        expect(timeAfter(schedule, a)).toBe(all.find((time) => time > a));
        const between = all.filter((time) => time >= from && time <= to);
        // What is asked for begins at a time that is one.
        const start = between[0];
        if (start !== undefined)
          expect(timesBetween(schedule, start, to, most)).toEqual(most === 0 ? [] : between.slice(-most));
      }),
      { numRuns: 2_000 },
    );
  });

  test('are counted exactly over any span of time that a number holds', () => {
    const ms = fc.integer({ min: 1_000, max: 366 * DAY });
    const time = fc.integer({ min: 0, max: 8_000_000_000_000_000 });
    fc.assert(
      fc.property(ms, time, time, (every, anchor, at) => {
        const next = timeAfter({ every, anchor }, at) as number;
        const [e, a, t] = [BigInt(every), BigInt(anchor), BigInt(at)];
        expect(BigInt(next)).toBe(t < a ? a : a + ((t - a) / e + 1n) * e);
        if (at < anchor) return;
        const last = a + ((t - a) / e) * e;
        const times = timesBetween({ every, anchor }, anchor, at, 100);
        expect(BigInt(times.at(-1) as number)).toBe(last);
        expect(BigInt(times.length)).toBe((last - a) / e < 100n ? (last - a) / e + 1n : 100n);
        for (const [i, each] of times.slice(1).entries()) expect(each - (times[i] as number)).toBe(every);
      }),
    );
  });
});

/** One field of a cron expression: how it is written, and the numbers that it means. */
interface Field {
  text: string;
  has(n: number): boolean;
  /** One number alone. */
  single: boolean;
}

const any: Field = { text: '*', has: () => true, single: false };

/** A field of a clock whose numbers begin with `base`, with numbers from `min` to `max` where it names some. */
function field(base: number, min: number, max: number): fc.Arbitrary<Field> {
  const number = fc.integer({ min, max });
  return fc.oneof(
    fc.constant(any),
    fc
      .integer({ min: 2, max: 6 })
      .map((n): Field => ({ text: `*/${n}`, has: (x) => (x - base) % n === 0, single: false })),
    number.map((n): Field => ({ text: `${n}`, has: (x) => x === n, single: true })),
    fc
      .uniqueArray(number, { minLength: 2, maxLength: 4 })
      .map((list): Field => ({ text: list.join(','), has: (x) => list.includes(x), single: false })),
    fc
      .tuple(number, number)
      .filter(([a, b]) => a < b)
      .map(([a, b]): Field => ({ text: `${a}-${b}`, has: (x) => x >= a && x <= b, single: false })),
  );
}

interface Expression {
  second: Field;
  minute: Field;
  hour: Field;
  day: Field;
  month: Field;
  weekday: Field;
}

/** What a clock on the wall shows. */
interface Local {
  at: number;
  date: string;
  second: number;
  minute: number;
  hour: number;
  day: number;
  month: number;
  weekday: number;
}

const WEEKDAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];

/** What the clocks of a zone show, every so many seconds. */
function clock(tz: string, from: number, to: number, seconds: number): Local[] {
  const numbers = { year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric', minute: 'numeric' } as const;
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone: tz,
    hourCycle: 'h23',
    weekday: 'short',
    second: 'numeric',
    ...numbers,
  });
  const shown: Local[] = [];
  for (let at = from; at <= to; at += seconds * 1_000) {
    const part = Object.fromEntries(format.formatToParts(at).map(({ type, value }) => [type, value]));
    const [second, minute, hour] = [Number(part.second), Number(part.minute), Number(part.hour)];
    const [day, month] = [Number(part.day), Number(part.month)];
    const date = `${part.year}-${month}-${day}`;
    shown.push({ at, date, second, minute, hour, day, month, weekday: WEEKDAYS.indexOf(part.weekday as string) });
  }
  return shown;
}

function hasDay({ day, month, weekday }: Expression, local: Local): boolean {
  if (!month.has(local.month)) return false;
  const byDay = day.has(local.day);
  const byWeekday = weekday.has(local.weekday);
  // Where both are said, one of them is enough.
  return day.text !== '*' && weekday.text !== '*' ? byDay || byWeekday : byDay && byWeekday;
}

/**
 * The times of an expression on these clocks. One time of the day comes once a day: when clocks that are set back show
 * it first, and as soon as clocks have been set forward over it. Others come whenever they are shown.
 */
function timesOn(clocks: readonly Local[], expression: Expression): number[] {
  const { second, minute, hour } = expression;
  const shown = (local: Local) => second.has(local.second) && minute.has(local.minute) && hour.has(local.hour);
  const all = clocks.filter((local) => hasDay(expression, local) && shown(local));
  if (!second.single || !minute.single || !hour.single) return all.map(({ at }) => at);
  const once = all.filter(({ date }, i) => all[i - 1]?.date !== date);
  const wanted = daytime({ second: Number(second.text), minute: Number(minute.text), hour: Number(hour.text) });
  const late = clocks.filter((local, i) => {
    const before = clocks[i - 1];
    const isAfterJump = before?.date === local.date && daytime(before) < wanted && wanted < daytime(local);
    return isAfterJump && hasDay(expression, local) && !all.some(({ date }) => date === local.date);
  });
  return [...once, ...late].map(({ at }) => at).sort((x, y) => x - y);
}

function daytime({ hour, minute, second }: Pick<Local, 'hour' | 'minute' | 'second'>): number {
  return (hour * 60 + minute) * 60 + second;
}

/** Claims that an expression comes when the clocks say so, from the first of them to the last. */
function expectTimes(expression: Expression, tz: string, clocks: readonly Local[], point: number): void {
  const { second, minute, hour, day, month, weekday } = expression;
  const fields = [minute, hour, day, month, weekday].map(({ text }) => text);
  const cron = (second.text === '0' ? fields : [second.text, ...fields]).join(' ');
  const [from, to] = [(clocks[0] as Local).at, (clocks.at(-1) as Local).at];
  const expected = timesOn(clocks, expression);
  const schedule = { cron, tz };
  expect(iso(timesBetween(schedule, from, to, 200)), cron).toEqual(iso(expected.slice(-200)));
  // A time that does not come at all until the end comes later, or never.
  const next = (time: number) => [timeAfter(schedule, time)].filter((at) => at !== undefined && at <= to) as number[];
  const at = from + (point % (to - from));
  expect(iso(next(at)), `${cron} after ${new Date(at).toISOString()}`).toEqual(
    iso(expected.filter((time) => time > at).slice(0, 1)),
  );
  for (const [i, time] of expected.slice(0, 30).entries()) {
    expect(iso(next(time)), cron).toEqual(iso(expected.slice(i + 1, i + 2)));
    expect(iso(next(time - 1)), cron).toEqual(iso([time]));
  }
}

const zero: Field = { text: '0', has: (n) => n === 0, single: true };

/** Expressions that come often in the hours from `first` to `last`. */
function expressions(seconds: fc.Arbitrary<Field>, first: number, last: number): fc.Arbitrary<Expression> {
  const often = (of: fc.Arbitrary<Field>) =>
    fc.oneof({ weight: 3, arbitrary: fc.constant(any) }, { weight: 1, arbitrary: of });
  return fc.record({
    second: seconds,
    minute: field(0, 0, 59),
    hour: fc.oneof(field(0, first, last), field(0, 0, 23)),
    day: often(field(1, 1, 31)),
    month: fc.oneof(
      fc.constant(any),
      fc.constant<Field>({ text: '2-11', has: (n) => n >= 2 && n <= 11, single: false }),
    ),
    weekday: often(field(0, 0, 6)),
  });
}

/** Three days in the middle of which clocks are set, or a month ends. */
const DAYS: [what: string, tz: string, from: number, hours: [number, number]][] = [
  ['clocks are set forward in Berlin', 'Europe/Berlin', Date.UTC(2026, 2, 27, 23), [1, 3]],
  ['clocks are set back in Berlin', 'Europe/Berlin', Date.UTC(2026, 9, 23, 22), [1, 3]],
  ['clocks are set forward in New York', 'America/New_York', Date.UTC(2026, 2, 7, 5), [1, 3]],
  ['clocks are set back in New York', 'America/New_York', Date.UTC(2026, 9, 31, 4), [0, 2]],
  ['February ends', 'UTC', Date.UTC(2026, 1, 27), [0, 23]],
  ['February ends in a leap year', 'Asia/Kathmandu', Date.UTC(2028, 1, 27, 18, 15), [0, 23]],
  ['a year ends', 'Pacific/Auckland', Date.UTC(2026, 11, 29, 11), [0, 23]],
];

describe('cron expressions', () => {
  test.each(DAYS)('come when the clocks say so where %s', (_, tz, from, hours) => {
    const clocks = clock(tz, from, from + 3 * DAY - MINUTE, 60);
    expect([clocks[0]?.hour, clocks.at(-1)?.minute]).toEqual([0, 59]);
    fc.assert(
      fc.property(expressions(fc.constant(zero), ...hours), fc.nat(), (expression, point) =>
        expectTimes(expression, tz, clocks, point),
      ),
      { numRuns: 25 },
    );
  });

  test.each(DAYS.slice(0, 4))('of six fields come on the second where %s', (_, tz, day, [first, last]) => {
    // The hours around the moment.
    const from = day + DAY;
    const clocks = clock(tz, from, from + 5 * HOUR - 1_000, 1);
    // One time of the day may be before these hours, or after them.
    const few = expressions(field(0, 0, 59), first, last).filter(
      ({ hour }) => !hour.single || Number(hour.text) <= last,
    );
    fc.assert(
      fc.property(few, fc.nat(), (expression, point) => expectTimes(expression, tz, clocks, point)),
      { numRuns: 25 },
    );
  });

  const times = (cron: string, tz: string, from: string, to: string) =>
    iso(walk({ cron, tz }, Date.parse(from) - 1, Date.parse(to)));

  test('on the last day of a month come on the last day of each', () => {
    expect(times('0 12 L * *', 'UTC', '2027-12-01', '2028-05-01')).toEqual([
      '2027-12-31T12:00Z',
      '2028-01-31T12:00Z',
      '2028-02-29T12:00Z',
      '2028-03-31T12:00Z',
      '2028-04-30T12:00Z',
    ]);
  });

  test('on the 31st leave out shorter months, and on the 29th of February shorter years', () => {
    expect(times('0 0 31 * *', 'UTC', '2026-01-01', '2026-08-01')).toEqual([
      '2026-01-31T00:00Z',
      '2026-03-31T00:00Z',
      '2026-05-31T00:00Z',
      '2026-07-31T00:00Z',
    ]);
    expect(times('0 0 29 2 *', 'UTC', '2026-01-01', '2033-01-01')).toEqual(['2028-02-29T00:00Z', '2032-02-29T00:00Z']);
  });

  test('come at one time of the day once where clocks are set back, and late where they are set forward over it', () => {
    expect(times('30 2 * * *', 'Europe/Berlin', '2026-10-24T12:00Z', '2026-10-26T12:00Z')).toEqual([
      '2026-10-25T00:30Z',
      '2026-10-26T01:30Z',
    ]);
    expect(times('30 2 * * *', 'Europe/Berlin', '2026-03-28T00:00Z', '2026-03-30T12:00Z')).toEqual([
      '2026-03-28T01:30Z',
      '2026-03-29T01:00Z',
      '2026-03-30T00:30Z',
    ]);
  });

  test('that were missed are found from the newest on, however many there were', () => {
    const [from, to] = [Date.UTC(1990, 0, 1), Date.UTC(2026, 5, 1, 12, 0, 0)];
    expect(iso(timesBetween({ cron: '* * * * * *', tz: 'Europe/Berlin' }, from, to + 999, 3))).toEqual([
      '2026-06-01T11:59:58Z',
      '2026-06-01T11:59:59Z',
      '2026-06-01T12:00Z',
    ]);
    expect(timesBetween({ cron: '0 0 1 1 *', tz: 'UTC' }, from, to, 100)).toHaveLength(37);
  });
});

describe('the fields of a schedule', () => {
  test.each([
    ['neither', {}, ['/every']],
    ['both', { every: '1h', cron: '0 * * * *' }, ['/every']],
    ['a time zone without an expression', { every: '1h', tz: 'UTC' }, ['/tz']],
    ['a start without an interval', { cron: '0 * * * *', start: 5 }, ['/start']],
    ['a time zone alone', { tz: 'UTC' }, ['/every', '/tz']],
    ['an expression that is none', { cron: 'now and then' }, ['/cron']],
    ['too few fields', { cron: '* * * *' }, ['/cron']],
    ['too many fields', { cron: '* * * * * * * *' }, ['/cron']],
    ['a minute that no clock shows', { cron: '60 * * * *' }, ['/cron']],
    ['a time that never comes', { cron: '0 0 30 2 *' }, ['/cron']],
    ['another that never comes', { cron: '0 0 0 31 4,6,9,11 *' }, ['/cron']],
    ['a start of the machine', { cron: '@reboot' }, ['/cron']],
    ['a point in time', { cron: '2030-01-01T00:00:00' }, ['/cron']],
  ])('%s: each fault is named at its place', (_, fields, pointers) => {
    expect(faultsOf(fields).map(({ pointer }) => pointer)).toEqual(pointers);
  });

  test.each([
    { every: '1h' },
    { every: '1h', start: 0 },
    { cron: '@daily' },
    { cron: '0 9 * * MON-FRI', tz: 'America/New_York' },
    { cron: '*/5 * * * * *' },
  ])('%j is one', (fields) => {
    expect(faultsOf(fields)).toEqual([]);
  });
});

test('a time zone is one that this machine knows', () => {
  expect(['UTC', 'Europe/Berlin', 'America/New_York', 'Asia/Kathmandu'].filter((name) => !isTimeZone(name))).toEqual(
    [],
  );
  expect(['', 'Mars/Olympus', 'Berlin', '../UTC', 'UTC\n'].filter(isTimeZone)).toEqual([]);
});
