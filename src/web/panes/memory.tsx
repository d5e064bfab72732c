import { signal, useSignal } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import type { MemoryVersion } from '../../capabilities/memory/state.ts';
import type { Output } from '../../client/index.ts';
import { Empty } from '../empty.tsx';
import { markdown } from '../markdown.tsx';
import { me } from '../me.ts';
import { hrefOf } from '../route.ts';
import { type Collections, client, seq, whenChanged } from '../store.ts';
import { Ago } from '../ticking.tsx';

import { Loaded, useLoading } from './loading.tsx';
import { Remember } from './memory-form.tsx';
import { AgentLink, Part } from './parts.tsx';

type Memory = Collections['memories'];
type Found = Omit<Output<'memories.search'>['results'][number], 'memory'> & { memory: Memory };

/** The last event that changed a memory. */
const changed = signal(seq.peek());
whenChanged(({ events, reset, seq: at }) => {
  if (reset || events.some(({ type }) => type.startsWith('memory_'))) changed.value = at;
});

const PAGE = 30;

/** What the room remembers: found by words and by meaning, added, and changed with what it said before. */
export default function MemoryPane({ id }: { id: string | undefined }) {
  const words = useSignal('');
  const asked = useSignal('');
  const adding = useSignal(false);
  const loading = useLoading(`${asked.value} ${changed.value} ${me.value}`, async () => {
    const q = asked.value;
    if (q !== '') {
      const { results, mode, degraded } = await client.value.memories.search({ q, limit: PAGE });
      return { q, results: results as Found[], mode, degraded };
    }
    const { memories } = await client.value.memories.list({ limit: PAGE });
    return {
      q,
      results: memories.map((memory) => ({ memory: memory as Memory }) as Found),
      mode: undefined,
      degraded: undefined,
    };
  });
  return (
    <article class="memory-pane">
      <form
        aria-label="Memories"
        class="line"
        onSubmit={(event) => {
          event.preventDefault();
          asked.value = words.value.trim();
        }}
      >
        <input
          type="search"
          aria-label="Search memories"
          placeholder="What do you look for, in your own words?"
          dir="auto"
          value={words.value}
          onInput={({ currentTarget }) => {
            words.value = currentTarget.value;
            if (currentTarget.value === '') asked.value = '';
          }}
        />
        <button type="submit">Search</button>
        {me.value !== undefined && (
          <button
            type="button"
            class="primary"
            aria-expanded={adding.value}
            onClick={() => {
              adding.value = !adding.value;
            }}
          >
            Remember
          </button>
        )}
      </form>
      {adding.value && (
        <Remember
          onDone={() => {
            adding.value = false;
          }}
        />
      )}
      <Loaded of={loading}>
        {({ q, results, mode, degraded }) => (
          <>
            <p class="faint small" role="status">
              {q === ''
                ? `The newest ${results.length === 1 ? 'memory' : `${results.length} memories`}`
                : `${results.length === PAGE ? `The best ${PAGE}` : results.length} found, ${mode === 'hybrid' ? 'by words and by meaning' : mode === 'semantic' ? 'by meaning' : 'by words'}`}
              {degraded && ` · ${degraded}`}
            </p>
            {results.length === 0 &&
              (q === '' ? (
                <Empty
                  text="Nothing is remembered yet."
                  curl={`curl ${location.origin}/memories -H 'Content-Type: application/json' -d '{"agent":"kai","content":"The cookie lives for 30 days."}'`}
                />
              ) : (
                <Empty text="Nothing like it is remembered. Fewer or other words may find more." />
              ))}
            <ul class="memories">
              {results.map((found) => (
                <MemoryLine key={found.memory.id} {...found} open={id === found.memory.id} />
              ))}
              {id !== undefined && !results.some(({ memory }) => memory.id === id) && <Named key={id} id={id} />}
            </ul>
          </>
        )}
      </Loaded>
    </article>
  );
}

/** A memory that the address names, and that is not among those that are shown. */
function Named({ id }: { id: string }) {
  const loading = useLoading(`${id} ${changed.value}`, () => client.value.memories.get({ id }));
  return <Loaded of={loading}>{({ memory }) => <MemoryLine memory={memory as Memory} open />}</Loaded>;
}

function MemoryLine({ memory, score, matched, snippet, open }: Partial<Found> & { memory: Memory; open: boolean }) {
  const { id, content, key, agent, updatedAt, updatedBy, version, tags, scope, supersededBy } = memory;
  const changing = useSignal(false);
  return (
    <li class={`memory ${open ? 'open' : ''}`}>
      <p class="line">
        <a data-item={id} class="cut key" href={open ? hrefOf('memory') : hrefOf('memory', id)} aria-expanded={open}>
          <b dir="auto">{key ?? (content ?? '').split('\n')[0]?.slice(0, 80)}</b>
        </a>
        {scope === 'agent' && <span class="tag">alone</span>}
        {tags?.slice(0, 4).map((tag) => (
          <span key={tag} class="tag" dir="auto">
            {tag}
          </span>
        ))}
        {score !== undefined && (
          <span class="score push" title={`matched by ${matched ?? 'words'}`}>
            {score.toFixed(score < 10 ? 2 : 0)} <span class="faint">{matched}</span>
          </span>
        )}
      </p>
      <div class="text" dir="auto">
        {open || snippet === undefined ? (
          open ? (
            markdown(content ?? '', me.value)
          ) : (
            (content ?? '').slice(0, 300)
          )
        ) : (
          <Marked text={snippet.text} at={snippet.matches} />
        )}
      </div>
      <p class="line faint small">
        <AgentLink name={agent} />
        {updatedBy !== agent && (
          <span>
            changed by <AgentLink name={updatedBy} />
          </span>
        )}
        <Ago at={updatedAt} />
        {version > 1 && <span>version {version}</span>}
        {supersededBy && (
          <a class="meant" href={hrefOf('memory', supersededBy)}>
            replaced
          </a>
        )}
        {open && me.value !== undefined && (
          <button
            type="button"
            class="quiet push"
            aria-expanded={changing.value}
            onClick={() => {
              changing.value = !changing.value;
            }}
          >
            Change
          </button>
        )}
      </p>
      {open && changing.value && (
        <Remember
          memory={memory}
          onDone={() => {
            changing.value = false;
          }}
        />
      )}
      {open && <Versions id={id} version={version} />}
    </li>
  );
}

/** Text with what matched marked. */
function Marked({ text, at }: { text: string; at: readonly (readonly number[])[] }) {
  const parts: ComponentChildren[] = [];
  let done = 0;
  for (const [from = 0, to = 0] of at) {
    if (from < done || to > text.length) continue;
    parts.push(text.slice(done, from), <mark key={from}>{text.slice(from, to)}</mark>);
    done = to;
  }
  parts.push(text.slice(done));
  return <>{parts}</>;
}

function Versions({ id, version }: { id: string; version: number }) {
  const loading = useLoading(`${id} ${version}`, () =>
    client.value.memories
      .versions({ id, limit: 100 })
      .then(({ versions }) => versions as unknown as readonly MemoryVersion[]),
  );
  return (
    <Part title="Versions" count={version}>
      <Loaded of={loading}>
        {(versions) => (
          <ol class="timeline">
            {versions.map(({ version: n, agent, at, content }) => (
              <li key={n}>
                <p>
                  <b>{n}</b> by <AgentLink name={agent} />
                  <span class="faint when">
                    <Ago at={at} />
                  </span>
                </p>
                <p dir="auto">{content.length > 600 ? `${content.slice(0, 600)}…` : content}</p>
              </li>
            ))}
          </ol>
        )}
      </Loaded>
    </Part>
  );
}
