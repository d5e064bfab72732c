import { signal } from '@preact/signals';

/** The time, in steps of a second: the one timer by which everything ticks. */
export const now = signal(Date.now());

setInterval(() => {
  now.value = Date.now();
}, 1_000);

/** How long ago a time is, short: `now`, `42s`, `5m`, `3h`, `12d`. */
export function ago(at: number, from: number): string {
  const seconds = Math.max(0, Math.floor((from - at) / 1_000));
  if (seconds < 5) return 'now';
  if (seconds < 60) return `${seconds}s`;
  if (seconds < 3_600) return `${Math.floor(seconds / 60)}m`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3_600)}h`;
  return `${Math.floor(seconds / 86_400)}d`;
}

/** How long until a time: `4:32`, `1:04:32`; `0:00` when it is over. */
export function until(at: number, from: number): string {
  const seconds = Math.max(0, Math.ceil((at - from) / 1_000));
  const parts = [Math.floor((seconds % 3_600) / 60), seconds % 60];
  if (seconds >= 3_600) parts.unshift(Math.floor(seconds / 3_600));
  return parts.map((n, i) => (i === 0 ? String(n) : String(n).padStart(2, '0'))).join(':');
}

const time = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
const exact = new Intl.DateTimeFormat(undefined, {
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  fractionalSecondDigits: 3,
  hourCycle: 'h23',
});
const day = new Intl.DateTimeFormat(undefined, { weekday: 'long', day: 'numeric', month: 'long' });
const whole = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' });

/** `14:05` */
export const clockOf = (at: number) => time.format(at);
/** `14:05:09.123` */
export const exactOf = (at: number) => exact.format(at);
/** `Saturday, 21 November` */
export const dayOf = (at: number) => day.format(at);
/** Date and time, for who points at it. */
export const wholeOf = (at: number) => whole.format(at);
