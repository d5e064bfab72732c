import { signal } from '@preact/signals';
import type { ComponentType } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { type Pane, panes } from './panes/index.ts';
import { leave, route } from './route.ts';

const loaded = signal<ReadonlyMap<string, ComponentType<{ id: string | undefined }>>>(new Map());
const failed = signal<string | undefined>(undefined);

async function load({ name, load }: Pane): Promise<void> {
  failed.value = undefined;
  try {
    const { default: component } = await load();
    loaded.value = new Map(loaded.value).set(name, component);
  } catch {
    failed.value = name;
  }
}

/** The pane that the address names, over the page. */
export function OpenPane() {
  const { pane: name, id } = route.value;
  const pane = panes.find((each) => each.name === name);
  const region = useRef<HTMLElement>(null);
  const before = useRef<Element | null>(null);
  useEffect(() => {
    if (pane === undefined) return;
    before.current = document.activeElement;
    if (!loaded.peek().has(pane.name)) void load(pane);
    region.current?.focus({ preventScroll: true });
    return () => {
      const { current } = before;
      if (current instanceof HTMLElement && current.isConnected) current.focus({ preventScroll: true });
    };
  }, [pane]);
  if (pane === undefined) return null;
  const Content = loaded.value.get(pane.name);
  return (
    <section
      ref={region}
      class="pane panel"
      data-pane={pane.name}
      data-region="pane"
      aria-label={pane.title}
      tabIndex={-1}
    >
      <header>
        <h2>{pane.title}</h2>
        <button type="button" class="quiet" aria-label={`Close ${pane.title}`} onClick={leave}>
          ×
        </button>
      </header>
      <div class="content">
        {Content ? (
          <Content key={id} id={id} />
        ) : failed.value === pane.name ? (
          <p class="empty">
            It could not be loaded.{' '}
            <button type="button" onClick={() => void load(pane)}>
              Try again
            </button>
          </p>
        ) : (
          <p class="empty faint">Loading…</p>
        )}
      </div>
    </section>
  );
}
