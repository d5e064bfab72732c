import { randomUUID } from 'node:crypto';
import type { Json } from '../support/node.ts';
import { openSocket } from '../support/ws.ts';

/** A write that was answered. */
export interface Acknowledged {
  content: string;
  id: string;
  seq: number;
  channel: string;
  key: string | undefined;
}

/** What concurrent writers did until the server went away. */
export interface Written {
  acknowledged: Acknowledged[];
  /** Keyed writes that were sent and not answered. */
  open: { content: string; key: string }[];
}

const channelOf = (writer: number) => `room-${writer % 3}`;

async function overRest(url: string, writer: number, round: string, written: Written): Promise<void> {
  for (let i = 0; ; i++) {
    const content = `${round} rest ${writer} ${i}`;
    const key = i % 2 === 0 ? randomUUID() : undefined;
    try {
      const answer = await post(url, writer, content, key);
      if (answer.status !== 200) throw new Error(`${answer.status}`);
      const { message } = answer.body;
      written.acknowledged.push({ content, id: message.id, seq: answer.seq, channel: message.channel, key });
    } catch {
      if (key !== undefined) written.open.push({ content, key });
      return;
    }
  }
}

export interface Answer {
  status: number;
  body: Json;
  seq: number;
  replayed: boolean;
}

/** Sends one command; throws where the server is gone. */
export async function send(url: string, path: string, body: object, key?: string): Promise<Answer> {
  const response = await fetch(url + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(key !== undefined && { 'idempotency-key': key }) },
    body: JSON.stringify(body),
  });
  return {
    status: response.status,
    body: await response.json(),
    seq: Number(response.headers.get('x-seq')),
    replayed: response.headers.get('idempotent-replay') === 'true',
  };
}

/** Posts one message as a writer does; throws where the server is gone. */
export function post(url: string, writer: number, content: string, key?: string): Promise<Answer> {
  return send(url, '/chat/messages', { from: `w${writer}`, content, channel: channelOf(writer) }, key);
}

async function overSocket(url: string, writer: number, round: string, written: Written): Promise<void> {
  const hub = await openSocket(`${url}/ws?agent=w${writer}`, { protocol: 'reflectt.v1' });
  const sent = new Map<number, { content: string; key: string | undefined }>();
  let next = 0;
  const send = () => {
    const id = ++next;
    const content = `${round} ws ${writer} ${id}`;
    const key = id % 2 === 0 ? randomUUID() : undefined;
    sent.set(id, { content, key });
    hub.send({
      type: 'call',
      id,
      op: 'messages.send',
      input: { from: `w${writer}`, content, channel: channelOf(writer) },
      ...(key !== undefined && { idempotencyKey: key }),
    });
  };
  hub.socket.on('message', (data) => {
    const frame = JSON.parse(data.toString()) as Json;
    if (frame.type !== 'result') return;
    const { content, key } = sent.get(frame.id) as { content: string; key: string | undefined };
    sent.delete(frame.id);
    if (frame.ok)
      written.acknowledged.push({
        content,
        id: frame.result.message.id,
        seq: frame.seq,
        channel: frame.result.message.channel,
        key,
      });
    send();
  });
  for (let i = 0; i < 4; i++) send();
  await hub.closed;
  for (const { content, key } of sent.values()) if (key !== undefined) written.open.push({ content, key });
}

/** Writers over REST and /ws that write until the server is gone. */
export function startWriters(url: string, round: string): { written: Written; done: Promise<unknown> } {
  const written: Written = { acknowledged: [], open: [] };
  const done = Promise.all([
    ...[0, 1, 2, 3].map((writer) => overRest(url, writer, round, written)),
    ...[4, 5].map((writer) => overSocket(url, writer, round, written)),
  ]);
  return { written, done };
}
