import { useEffect, useRef } from 'preact/hooks';
import { clockOf, now } from './clock.ts';
import { knownSince, PULSE, pulse } from './events.ts';

/** Seconds that one bar stands for. */
const STEP = 5;

/** Events a second over the last 15 minutes, as bars; a number beside it for who does not see them. */
export function Pulse() {
  const canvas = useRef<HTMLCanvasElement>(null);
  const seconds = pulse(now.value);
  const lately = seconds.slice(-10).reduce((sum, n) => sum + n, 0) / 10;
  const total = seconds.reduce((sum, n) => sum + n, 0);
  const bars = Array.from(
    { length: PULSE / STEP },
    (_, i) => seconds.slice(i * STEP, (i + 1) * STEP).reduce((sum, n) => sum + n, 0) / STEP,
  );
  const most = Math.max(...bars);
  useEffect(() => {
    if (canvas.current) draw(canvas.current, bars, most);
  });
  const whole = knownSince.value <= now.value - PULSE * 1_000;
  return (
    <div
      class="pulse"
      title={whole ? 'Events a second, the last 15 minutes' : `Events a second, since ${clockOf(knownSince.value)}`}
    >
      <canvas ref={canvas} role="img" aria-label="Events a second" />
      <span class="figure">
        <b>{lately >= 10 ? lately.toFixed(0) : lately.toFixed(1)}</b>
        <span class="faint">/s</span>
        <span class="sr"> events a second; {total} events in the last 15 minutes</span>
      </span>
    </div>
  );
}

function draw(canvas: HTMLCanvasElement, bars: readonly number[], most: number): void {
  const ratio = devicePixelRatio || 1;
  const width = Math.round(canvas.clientWidth * ratio);
  const height = Math.round(canvas.clientHeight * ratio);
  if (canvas.width !== width) canvas.width = width;
  if (canvas.height !== height) canvas.height = height;
  const context = canvas.getContext('2d');
  if (!context) return;
  const style = getComputedStyle(canvas);
  context.clearRect(0, 0, width, height);
  context.fillStyle = style.getPropertyValue('color');
  const step = width / bars.length;
  bars.forEach((n, i) => {
    // Root scale: a burst hides nothing that is slow.
    const tall = n === 0 ? ratio : Math.max(2 * ratio, Math.sqrt(n / most) * height);
    context.globalAlpha = n === 0 ? 0.25 : 0.9;
    context.fillRect(i * step, height - tall, Math.max(step - ratio * 0.5, 1), tall);
  });
}
