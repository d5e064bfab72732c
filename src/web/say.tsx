import { signal } from '@preact/signals';
import { ProblemError } from '../client/index.ts';

/** Something that people are told, for a while or until they dismiss it. */
interface Notice {
  id: number;
  text: string;
  hint?: string | undefined;
  kind: 'said' | 'refused';
  action?: { label: string; run(): void } | undefined;
}

const notices = signal<readonly Notice[]>([]);
let count = 0;

/** Tells people something at the edge of the page. */
export function say(notice: Omit<Notice, 'id'>, ms = 8_000): void {
  const id = ++count;
  notices.value = [...notices.value.slice(-3), { ...notice, id }];
  setTimeout(() => dismiss(id), ms);
}

function dismiss(id: number): void {
  notices.value = notices.value.filter((each) => each.id !== id);
}

/** Says why something was not done, in the server's words. */
export function sayWhy(error: unknown, action?: Notice['action']): void {
  if (error instanceof ProblemError) {
    const fields = error.errors.map(({ pointer, detail }) => `${pointer.slice(1)} ${detail}`).join('; ');
    say({ kind: 'refused', text: fields || error.detail, hint: error.hint, action });
  } else say({ kind: 'refused', text: 'The server does not answer.', hint: String((error as Error).message), action });
}

export function Notices() {
  return (
    <div class="notices" role="status" aria-live="polite">
      {notices.value.map(({ id, text, hint, kind, action }) => (
        <div key={id} class={`notice ${kind}`}>
          <p dir="auto">
            {text}
            {hint && <small>{hint}</small>}
          </p>
          {action && (
            <button
              type="button"
              onClick={() => {
                dismiss(id);
                action.run();
              }}
            >
              {action.label}
            </button>
          )}
          <button type="button" class="quiet" aria-label="Dismiss" onClick={() => dismiss(id)}>
            ×
          </button>
        </div>
      ))}
    </div>
  );
}
