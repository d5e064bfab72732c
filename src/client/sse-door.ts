import { createParser } from 'eventsource-parser';
import { type CallSettings, callOperation } from './call.ts';
import { Broken, type Door, type End, type EventFilter, type Receiver, resetReason, retryMs } from './delivery.ts';
import { ConnectionError, ProblemError, passes, problemOf } from './errors.ts';
import type { DoorSettings } from './ws-door.ts';

/** Characters of one frame at most. */
const FRAME = 16 * 1024 * 1024;

/** The door /events, for places that let no WebSocket through. */
export function sseDoor(settings: DoorSettings & CallSettings): Door {
  return async (wish, receiver, signal) => {
    let { after } = wish;
    const gone = new AbortController();
    const ended = AbortSignal.any([signal, gone.signal]);
    let timer: ReturnType<typeof setTimeout> | undefined;
    const alive = () => {
      clearTimeout(timer);
      timer = setTimeout(
        () => gone.abort(new ConnectionError('the server was silent for too long')),
        settings.silenceMs,
      );
    };
    try {
      if (wish.snapshot !== undefined) {
        const { cursor, ...state } = await snapshotOf(settings, wish.filter, ended);
        receiver.opened();
        receiver.heard(0);
        receiver.snapshot(cursor, state, wish.snapshot);
        after = cursor as string;
      }
      alive();
      const response = await fetch(`${settings.url}/events?${queryOf(wish.filter, after, wish.ephemeral, settings)}`, {
        headers: { accept: 'text/event-stream' },
        signal: ended,
      });
      if (!response.ok || response.body === null) return await refused(response);
      return await read(response.body, receiver, alive);
    } catch (error) {
      if (error instanceof ProblemError) return passes(error.status) ? { cause: error } : { fatal: error };
      throw gone.signal.aborted ? gone.signal.reason : error;
    } finally {
      clearTimeout(timer);
      gone.abort();
    }
  };
}

async function snapshotOf(
  settings: CallSettings,
  filter: EventFilter,
  signal: AbortSignal,
): Promise<Record<string, unknown>> {
  const agent = settings.agent ?? filter.agent;
  const once = { ...settings, retry: { ...settings.retry, tries: 1 } };
  const { result } = await callOperation(once, 'system.snapshot', agent === undefined ? {} : { agent }, { signal });
  return result as Record<string, unknown>;
}

/** Who calls is said in the query, so that a browser asks no leave first. */
function queryOf(
  filter: EventFilter,
  after: string | undefined,
  ephemeral: boolean,
  { agent }: DoorSettings,
): URLSearchParams {
  const query = new URLSearchParams({ batchMs: '0' });
  if (after !== undefined) query.set('after', after);
  for (const name of ['types', 'topics', 'channels', 'subjects', 'actors'] as const) {
    const names = filter[name];
    if (names !== undefined) query.set(name, names.join(','));
  }
  const reader = filter.agent ?? agent;
  if (reader !== undefined) query.set('agent', reader);
  if (filter.agent === undefined) query.set('all', '1');
  if (ephemeral) query.set('ephemeral', '1');
  return query;
}

async function refused(response: Response): Promise<End> {
  const text = await response.text();
  let problem: ReturnType<typeof problemOf>;
  try {
    problem = problemOf(JSON.parse(text));
  } catch {
    problem = undefined;
  }
  const error = problem
    ? new ProblemError(problem)
    : new ConnectionError(`/events answers ${response.status}, and not as this server does`);
  return problem !== undefined && problem.status < 500 ? { fatal: error } : { cause: error };
}

async function read(body: ReadableStream<Uint8Array>, receiver: Receiver, alive: () => void): Promise<End> {
  let end: End = {};
  let epoch: string | undefined;
  const parser = createParser({
    maxBufferSize: FRAME,
    onError(error) {
      if (error.type === 'max-buffer-size-exceeded') throw new Broken('a frame without end');
    },
    onEvent({ event, data, id }) {
      const value = parse(data);
      receiver.heard(data.length);
      if (event === 'connected') {
        epoch = typeof value.epoch === 'string' ? value.epoch : undefined;
        receiver.opened();
      } else if (event === 'sync') receiver.sync(value.cursor, value.up_to_date);
      else if (event === 'reset') end = { reset: resetReason(value.reason) };
      else if (event === 'bye') end = { afterMs: retryMs(value.retry_ms) };
      else if (id === undefined) receiver.ephemeral([value]);
      else if (epoch === undefined) throw new Broken('the server does not begin with connected');
      else receiver.events([value], epoch);
    },
  });
  const decoder = new TextDecoder();
  const reader = body.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return { cause: new ConnectionError('the stream ended'), ...end };
      alive();
      parser.feed(decoder.decode(value, { stream: true }));
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}

function parse(text: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new Broken('a frame holds JSON');
  }
  if (value === null || typeof value !== 'object' || Array.isArray(value)) throw new Broken('a frame holds an object');
  return value as Record<string, unknown>;
}
