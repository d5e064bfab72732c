import { Cron } from 'croner';
import type { FieldError } from '../../kernel/errors.ts';

/** When something recurs: every so many milliseconds from an anchor, or as a cron expression says in a time zone. */
export type Schedule = { every: number; anchor: number } | { cron: string; tz: string };

const UNITS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3_600, d: 86_400, w: 604_800 };

/** Milliseconds of `30`, `30s`, `15m`, `2h`, `1d`, `1w`; undefined where it is none of these. A number alone is seconds. */
export function parseInterval(text: string): number | undefined {
  const match = /^(\d{1,9})\s*([smhdw]?)$/.exec(text.trim());
  return match ? Number(match[1]) * (UNITS[match[2] || 's'] as number) * 1_000 : undefined;
}

/** True for a time zone that this machine knows. */
export function isTimeZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }) !== undefined;
  } catch {
    return false;
  }
}

/** Fields that say together when something recurs. */
export interface ScheduleFields {
  every?: string | undefined;
  cron?: string | undefined;
  tz?: string | undefined;
  start?: number | undefined;
}

/** What keeps fields, each of which is valid, from being a schedule; nothing where they are one. */
export function faultsOf({ every, cron, tz, start }: ScheduleFields): FieldError[] {
  const errors: FieldError[] = [];
  if ((every === undefined) === (cron === undefined))
    errors.push({ pointer: '/every', detail: 'give `every` or `cron`, one of them' });
  if (tz !== undefined && cron === undefined) errors.push({ pointer: '/tz', detail: 'belongs to `cron`' });
  if (start !== undefined && every === undefined) errors.push({ pointer: '/start', detail: 'belongs to `every`' });
  const fault = cron === undefined ? undefined : faultOf(cron, tz ?? 'UTC');
  if (fault !== undefined) errors.push({ pointer: '/cron', detail: fault });
  return errors;
}

/** Why a cron expression in a time zone is none, or never comes; undefined where it is fine. */
function faultOf(cron: string, tz: string): string | undefined {
  // The library takes a point in time as well.
  if (cron.includes(':')) return 'a point in time is no cron expression';
  try {
    return cronOf(cron, tz).nextRun(new Date(0)) === null ? 'this time never comes' : undefined;
  } catch (error) {
    return error instanceof Error ? error.message.replace(/^Cron\w+: /, '') : String(error);
  }
}

function cronOf(cron: string, tz: string): Cron {
  return new Cron(cron, { timezone: tz, paused: true });
}

/** The first time after `time` (milliseconds since 1970); undefined where there is none. */
export function timeAfter(schedule: Schedule, time: number): number | undefined {
  if ('cron' in schedule) return cronOf(schedule.cron, schedule.tz).nextRun(new Date(time))?.getTime();
  const { every, anchor } = schedule;
  return time < anchor ? anchor : anchor + (Math.floor((time - anchor) / every) + 1) * every;
}

/** The last times, at most `most` of them, from `from` to `to`, both included; the oldest first. */
export function timesBetween(schedule: Schedule, from: number, to: number, most: number): number[] {
  if ('every' in schedule) {
    const { every, anchor } = schedule;
    const last = anchor + Math.floor((to - anchor) / every) * every;
    const count = Math.min(most, Math.floor((last - from) / every) + 1);
    return Array.from({ length: Math.max(count, 0) }, (_, i) => last - (count - 1 - i) * every);
  }
  // The library looks at whole seconds, and at what was before the one it is given.
  const before = new Date(Math.floor(to / 1_000) * 1_000 + 1_000);
  return cronOf(schedule.cron, schedule.tz)
    .previousRuns(most, before)
    .map((date) => date.getTime())
    .filter((time) => time >= from && time <= to)
    .sort((a, b) => a - b);
}
