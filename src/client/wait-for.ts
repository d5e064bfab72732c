import type { Event } from '../kernel/event.ts';
import type { Delivery, EventFilter } from './delivery.ts';
import { ConnectionError } from './errors.ts';
import type { SubscribeOptions } from './subscription.ts';

/** Which event is waited for: a filter, a test of its own, or both. */
export type Wanted = ((event: Event) => boolean) | (EventFilter & { where?: (event: Event) => boolean });

export interface WaitOptions {
  /** Milliseconds; without, as long as it takes. */
  timeout?: number | undefined;
  /** Only events after this cursor or seq; unless said, from now on. The `seq` of an answer misses nothing that follows it. */
  after?: string | number | undefined;
  signal?: AbortSignal | undefined;
}

/**
 * The first event that is wanted. Throws a DOMException `TimeoutError` when the time is over, and ConnectionError where
 * the stream could not be continued, because the event may have been among what is lost.
 */
export async function waitFor(
  subscribe: (options: SubscribeOptions) => AsyncIterableIterator<Delivery>,
  wanted: Wanted,
  { timeout, after, signal }: WaitOptions = {},
): Promise<Event> {
  const { where, ...filter } = typeof wanted === 'function' ? { where: wanted } : wanted;
  const signals = [signal, timeout === undefined ? undefined : AbortSignal.timeout(timeout)].filter(
    (each) => each !== undefined,
  );
  const deliveries = subscribe({ after, filter, signal: signals.length === 0 ? undefined : AbortSignal.any(signals) });
  for await (const delivery of deliveries) {
    if (delivery.kind === 'snapshot')
      throw new ConnectionError(`the stream could not be continued: ${delivery.reason}`);
    if (delivery.kind === 'event' && (where === undefined || where(delivery.event))) return delivery.event;
  }
  throw new ConnectionError('the stream ended');
}
