import { now } from '../clock.ts';
import { client, link } from '../store.ts';
import { Ago } from '../ticking.tsx';
import { Loaded, useLoading } from './loading.tsx';
import { bytes, counted, Facts, lasting, Part } from './parts.tsx';

/** Seconds between two looks. */
const EVERY = 3;

interface Health {
  status: 'ok' | 'degraded';
  problems?: readonly string[];
  version: string;
  timestamp: number;
  journal: {
    driver: string;
    durability: string;
    writable: boolean;
    segments: number;
    bytes: number;
    flushMs: { p50: number | null; p99: number | null };
    epoch: string;
    head: number;
    durable: number;
  };
  index: { driver: string; applied: number; backlog: number; full: boolean; bytes: number; error?: string };
}

const time = (ms: number | null) => (ms === null ? 'nothing was written yet' : lasting(ms));

/** The server itself: what it keeps, how fast it is, who listens. */
export default function System() {
  const turn = Math.floor(now.value / 1_000 / EVERY);
  const loading = useLoading(`${turn}`, async () => {
    const [health, events, search, page] = await Promise.all([
      client.value.system.health(),
      client.value.events.status(),
      client.value.search.status(),
      fetch('/capabilities?compact=1')
        .then((answer) => answer.json() as Promise<{ operations: readonly object[] }>)
        .catch(() => undefined),
    ]);
    return { health: health as unknown as Health, events, search, page };
  });
  return (
    <Loaded of={loading}>
      {({ health, events, search, page }) => {
        const { journal, index } = health;
        const doors = Object.entries(events.connections).filter(([, n]) => n > 0);
        const { semantic } = search;
        return (
          <article class="system-pane">
            <p class={`verdict ${health.status}`} role="status">
              <i class={`dot ${health.status === 'ok' ? 'working' : 'blocked'}`} aria-hidden="true" />
              {health.status === 'ok' ? 'All is well.' : 'Something is wrong.'}
              <span class="faint push">
                as of <Ago at={health.timestamp} />
              </span>
            </p>
            {health.problems?.map((problem) => (
              <p key={problem} class="refusal" role="alert">
                {problem}
              </p>
            ))}
            <div class="tiles">
              <Tile name="Journal" value={bytes(journal.bytes)} more={`${counted(journal.head)} events`} />
              <Tile name="Flush p99" value={time(journal.flushMs.p99)} more={`p50 ${time(journal.flushMs.p50)}`} />
              <Tile
                name="Subscribers"
                value={counted(events.connected)}
                more={doors.map(([door, n]) => `${n} ${door}`).join(', ') || 'nobody listens'}
              />
              <Tile
                name="Slow readers"
                value={counted(events.slow)}
                more={events.slow === 0 ? 'everybody keeps up' : 'wait to take what was sent'}
                bad={events.slow > 0}
              />
            </div>
            <div class="beside">
              <Part title="Journal">
                <Facts
                  of={[
                    ['Kept in', `${journal.driver}, ${journal.segments} ${journal.segments === 1 ? 'file' : 'files'}`],
                    ['Flushed', journal.durability],
                    ['Writable', journal.writable ? 'yes' : 'no'],
                    ['Last event', counted(journal.head)],
                    ['On the disk up to', counted(journal.durable)],
                    ['Oldest cursor', <code>{events.earliest}</code>],
                    ['Newest cursor', <code>{events.head}</code>],
                  ]}
                />
              </Part>
              <Part title="Index and search">
                <Facts
                  of={[
                    ['Kept by', index.driver],
                    ['Size', bytes(index.bytes)],
                    [
                      'Up to',
                      `${counted(index.applied)}${index.backlog > 0 ? `, ${counted(index.backlog)} wait` : ''}`,
                    ],
                    ['Fails with', index.error],
                    ['Words up to', `${counted(search.messages.indexed)} of ${counted(search.messages.head)}`],
                    ['Model', semantic.model ?? 'none: found by words alone'],
                    ['Meaning', semantic.model && `${counted(semantic.indexed)}, ${counted(semantic.pending)} wait`],
                  ]}
                />
              </Part>
              <Part title="Versions">
                <Facts
                  of={[
                    ['Server', health.version],
                    ['Epoch', <code>{journal.epoch}</code>],
                    ['Operations', page?.operations.length],
                    ['Protocol', 'reflectt.v1'],
                  ]}
                />
              </Part>
              <Part title="This page">
                <Facts
                  of={[
                    ['Connection', link.value?.state ?? 'connecting'],
                    [
                      'An answer takes',
                      link.value?.state === 'open' &&
                        link.value.latencyMs !== undefined &&
                        lasting(link.value.latencyMs),
                    ],
                  ]}
                />
                <p class="small">
                  <a class="meant" href="/docs" target="_blank" rel="noopener">
                    The API, described
                  </a>
                </p>
              </Part>
            </div>
          </article>
        );
      }}
    </Loaded>
  );
}

function Tile({ name, value, more, bad = false }: { name: string; value: string; more: string; bad?: boolean }) {
  return (
    <div class={`tile ${bad ? 'bad' : ''}`}>
      <h3>{name}</h3>
      <b>{value}</b>
      <span class="faint">{more}</span>
    </div>
  );
}
