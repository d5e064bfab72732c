import { EventEmitter } from 'node:events';
import type { ServerResponse } from 'node:http';
import { expect, test } from 'vitest';
import type { Kernel } from '../../kernel/kernel.ts';
import { STREAM_DEFAULTS, Streams } from '../streams.ts';
import { OpenStream } from './open-stream.ts';

class FakeResponse extends EventEmitter {
  writableNeedDrain = false;
  destroyed = false;
  destroy() {
    this.destroyed = true;
    this.emit('close');
  }
}

function openStream() {
  const response = new FakeResponse();
  const seen: string[] = [];
  const kernel = {
    feed: { opened: () => () => seen.push('left') },
    sightings: { opened: (agent: string) => () => seen.push(`${agent} is gone`) },
  } as unknown as Kernel;
  const streams = new Streams(1, 1_000_000);
  const settings = { ...STREAM_DEFAULTS, stallMs: 100 };
  const stream = new OpenStream(response as unknown as ServerResponse, { kernel, streams, settings, agent: 'kai' });
  return { response, stream, streams, seen };
}

test('given a reader that takes nothing, when stallMs have passed, then its stream is ended, and not before', () => {
  const { response, stream, streams, seen } = openStream();
  expect(streams.full).toBe(true);
  stream.tick(0);
  response.writableNeedDrain = true;
  stream.tick(10);
  stream.tick(109);
  expect(response.destroyed).toBe(false);
  stream.tick(110);
  expect(response.destroyed).toBe(true);
  expect(seen).toEqual(['left', 'kai is gone']);
  expect(streams.full).toBe(false);
});

test('given a reader that stalls and goes on, when it stalls again, then its time begins anew', () => {
  const { response, stream } = openStream();
  response.writableNeedDrain = true;
  stream.tick(0);
  response.writableNeedDrain = false;
  stream.tick(90);
  response.writableNeedDrain = true;
  stream.tick(95);
  stream.tick(190);
  expect(response.destroyed).toBe(false);
  stream.tick(195);
  expect(response.destroyed).toBe(true);
});
