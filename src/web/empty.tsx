import { signal } from '@preact/signals';

const copied = signal<string | undefined>(undefined);

/** What an empty place says: how it is filled. */
export function Empty({ text, curl, keys }: { text: string; curl?: string; keys?: string }) {
  return (
    <div class="empty">
      <p>
        {text}
        {keys && (
          <>
            {' '}
            Press <kbd>{keys}</kbd>
            {curl ? ', or:' : '.'}
          </>
        )}
      </p>
      {curl && (
        <p class="curl">
          <code tabIndex={0}>{curl}</code>
          <button
            type="button"
            onClick={() => {
              void navigator.clipboard?.writeText(curl).then(() => {
                copied.value = curl;
              });
            }}
          >
            {copied.value === curl ? 'Copied' : 'Copy'}
          </button>
        </p>
      )}
    </div>
  );
}
