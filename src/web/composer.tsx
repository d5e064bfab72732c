import { signal, useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { Avatar } from './avatar.tsx';
import { kept } from './kept.ts';
import { me } from './me.ts';
import { askName } from './name.tsx';
import { choose, otherEnd } from './rooms.ts';
import { sayWhy } from './say.tsx';
import { agents, shown, writer } from './store.ts';

/** Asks for the focus: `m`. */
export const wanted = signal(0);

/** The name that is being written at the cursor: `@ka` → `ka`. */
function begun(text: string, at: number): string | undefined {
  return /(?:^|[\s(])@([\w.-]{0,64})$/.exec(text.slice(0, at))?.[1];
}

/** Where one writes: Enter sends, Shift-Enter is a new line; what was not sent is kept. */
export function Composer({ channel, thread }: { channel: string; thread: string | undefined }) {
  const draftKey = `draft.${thread ?? channel}`;
  const text = useSignal(kept.read(draftKey) ?? '');
  const at = useSignal(0);
  const pick = useSignal(0);
  const sending = useSignal(false);
  const field = useRef<HTMLTextAreaElement>(null);
  useEffect(
    () =>
      wanted.subscribe((n) => {
        if (n > 0) field.current?.focus();
      }),
    [],
  );

  const prefix = begun(text.value, at.value);
  const names =
    prefix === undefined
      ? []
      : agents.value
          .map(({ name }) => name)
          .filter((name) => name.toLowerCase().startsWith(prefix.toLowerCase()) && name !== me.value)
          .sort()
          .slice(0, 6);
  const chosen = Math.min(pick.value, names.length - 1);

  const write = (value: string, cursor: number) => {
    text.value = value;
    at.value = cursor;
    pick.value = 0;
    kept.write(draftKey, value);
  };
  const complete = (name: string) => {
    const start = at.value - (prefix?.length ?? 0);
    const value = `${text.value.slice(0, start)}${name} ${text.value.slice(at.value)}`;
    write(value, start + name.length + 1);
    queueMicrotask(() => {
      field.current?.focus();
      field.current?.setSelectionRange(at.value, at.value);
    });
  };
  const send = async () => {
    const content = text.value.trim();
    if (content === '' || sending.value) return;
    sending.value = true;
    try {
      const to = otherEnd(channel);
      const where = thread !== undefined ? { threadId: thread } : to === undefined ? { channel } : { to };
      const { seq } = await writer().call('messages.send', { content, ...where });
      // What was typed meanwhile stays.
      if (text.value.trim() === content) write('', 0);
      await shown(seq);
      wanted.value++;
    } catch (error) {
      sayWhy(error);
    } finally {
      sending.value = false;
    }
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.isComposing) return;
    if (names.length > 0 && /^(?:ArrowDown|ArrowUp|Tab|Enter)$/.test(event.key)) {
      event.preventDefault();
      if (event.key === 'ArrowDown') pick.value = (chosen + 1) % names.length;
      else if (event.key === 'ArrowUp') pick.value = (chosen - 1 + names.length) % names.length;
      else complete(names[chosen] as string);
    } else if (event.key === 'Enter' && !event.shiftKey && !event.altKey) {
      event.preventDefault();
      void send();
    } else if (event.key === 'Escape') {
      if (names.length > 0) at.value = 0;
      else field.current?.blur();
    }
  };
  if (me.value === undefined)
    return (
      <div class="composer">
        <button type="button" class="wide" onClick={askName}>
          Say your name to take part
        </button>
      </div>
    );
  const place =
    thread !== undefined
      ? 'Reply in the thread'
      : `Message ${otherEnd(channel) ? `@${otherEnd(channel)}` : `#${channel}`}`;
  return (
    <div class="composer">
      {names.length > 0 && (
        <div class="names" role="listbox" id="names" aria-label="Names">
          {names.map((name, i) => (
            <div
              key={name}
              id={`name-${i}`}
              role="option"
              tabIndex={-1}
              aria-selected={i === chosen}
              onMouseDown={(event) => {
                event.preventDefault();
                complete(name);
              }}
            >
              <Avatar name={name} size="s" /> {name}
            </div>
          ))}
        </div>
      )}
      <textarea
        ref={field}
        rows={1}
        dir="auto"
        placeholder={place}
        aria-label={place}
        aria-controls={names.length > 0 ? 'names' : undefined}
        aria-autocomplete="list"
        aria-activedescendant={names.length > 0 ? `name-${chosen}` : undefined}
        value={text.value}
        onInput={({ currentTarget }) => write(currentTarget.value, currentTarget.selectionStart)}
        onSelect={({ currentTarget }) => {
          at.value = currentTarget.selectionStart;
        }}
        onKeyDown={onKeyDown}
      />
      <button
        type="button"
        class="send"
        disabled={sending.value || text.value.trim() === ''}
        onClick={() => void send()}
      >
        {sending.value ? 'Sending' : 'Send'}
      </button>
    </div>
  );
}

/** Goes to where one writes. */
export function startWriting(channel?: string): void {
  if (channel !== undefined) choose(channel);
  setTimeout(() => wanted.value++);
}
