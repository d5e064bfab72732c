import { signal, useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import type { Output } from '../client/index.ts';
import { Dialog } from './dialog.tsx';
import { choose, otherEnd, thread } from './rooms.ts';
import { go } from './route.ts';
import { sayWhy } from './say.tsx';
import { client } from './store.ts';
import { tab } from './tabs.tsx';
import { Ago } from './ticking.tsx';

type Result = Output<'search.find'>['results'][number];

const open = signal(false);

/** Opens the search. */
export function startSearch(): void {
  open.value = true;
}

export function Search() {
  return open.value ? <SearchDialog /> : null;
}

/** Milliseconds without a key after which what is typed is searched. */
const PAUSE = 150;

function SearchDialog() {
  const text = useSignal('');
  const found = useSignal<{ q: string; results: readonly Result[] } | undefined>(undefined);
  const list = useRef<HTMLElement>(null);
  const q = text.value.trim();
  useEffect(() => {
    if (q === '') {
      found.value = undefined;
      return;
    }
    const abort = new AbortController();
    const timer = setTimeout(() => {
      client.value.search.find({ q, limit: 20 }, { signal: abort.signal }).then(
        ({ results }) => {
          found.value = { q, results };
        },
        (error: unknown) => {
          if (!abort.signal.aborted) sayWhy(error);
        },
      );
    }, PAUSE);
    return () => {
      clearTimeout(timer);
      abort.abort();
    };
  }, [q]);
  const close = () => {
    open.value = false;
  };
  const step = (event: KeyboardEvent) => {
    const by = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0;
    if (by === 0) return;
    event.preventDefault();
    const items = [...(list.current?.querySelectorAll<HTMLElement>('input, .result') ?? [])];
    const at = items.indexOf(document.activeElement as HTMLElement);
    items[Math.min(Math.max(at + by, 0), items.length - 1)]?.focus();
  };
  return (
    <Dialog title="Search" kind="wide top" onClose={close}>
      <search class="search" ref={list} onKeyDown={step}>
        <input
          type="search"
          autofocus
          aria-label="Search messages, tasks and memories"
          placeholder="Messages, tasks, memories"
          dir="auto"
          maxLength={500}
          value={text.value}
          onInput={({ currentTarget }) => {
            text.value = currentTarget.value;
          }}
          onKeyDown={(event) => {
            if (event.key === 'Enter') list.current?.querySelector<HTMLElement>('.result')?.click();
          }}
        />
        <p class="sr" role="status">
          {found.value && `${found.value.results.length} found`}
        </p>
        {found.value?.results.length === 0 && <p class="empty">Nothing says “{found.value.q}”.</p>}
        <ul>
          {found.value?.results.map((result) => (
            <li key={result.id}>
              <button
                type="button"
                class="result"
                onClick={() => {
                  close();
                  show(result);
                }}
              >
                <Found result={result} />
              </button>
            </li>
          ))}
        </ul>
      </search>
    </Dialog>
  );
}

function show({ kind, id, message }: Result): void {
  const channel = message?.channel;
  if (kind === 'tasks') go('task', id);
  else if (channel === undefined) go('memory', id);
  else if (channel.startsWith('task:')) go('task', channel.slice(5));
  else {
    choose(channel);
    thread.value = message?.threadId ?? id;
    tab.value = 'chat';
  }
}

function Found({ result: { kind, snippet, message, task, memory } }: { result: Result }) {
  const at = message?.timestamp ?? task?.updatedAt ?? memory?.createdAt;
  const channel = message?.channel;
  const where =
    channel === undefined
      ? kind === 'tasks'
        ? `task · ${task?.status ?? ''}`
        : 'memory'
      : `${message?.from} in ${otherEnd(channel) === undefined ? `#${channel}` : `@${otherEnd(channel)}`}`;
  return (
    <>
      <span class="line faint">
        <span class="cut" dir="auto">
          {where}
        </span>
        {typeof at === 'number' && (
          <span class="push">
            <Ago at={at} />
          </span>
        )}
      </span>
      <span class="snippet" dir="auto">
        {marked(snippet)}
      </span>
    </>
  );
}

/** A text with what was found in it marked. */
function marked({ text, matches }: Result['snippet']) {
  const parts = [];
  let at = 0;
  for (const [start = 0, end = 0] of matches) {
    parts.push(text.slice(at, start), <mark key={start}>{text.slice(start, end)}</mark>);
    at = end;
  }
  parts.push(text.slice(at));
  return parts;
}
