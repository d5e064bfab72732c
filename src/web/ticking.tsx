import { ago, now, until, wholeOf } from './clock.ts';

/** How long ago it was; ticks. */
export function Ago({ at }: { at: number }) {
  return (
    <time dateTime={new Date(at).toISOString()} title={wholeOf(at)}>
      {ago(at, now.value)}
    </time>
  );
}

/** How long until then; ticks, and says when little is left of the whole. */
export function Until({ at, whole, label }: { at: number; whole: number; label: string }) {
  const left = at - now.value;
  return (
    <span class={`until ${left < whole * 0.2 ? 'soon' : ''}`} title={`${label} ${wholeOf(at)}`}>
      {until(at, now.value)}
    </span>
  );
}
