import { useSignal } from '@preact/signals';
import { sayWhy } from '../say.tsx';
import { shown, writer } from '../store.ts';

/** Writes a memory, or a new version of one. */
export function Remember({
  memory,
  onDone,
}: {
  memory?: { id: string; content: string; tags?: readonly string[] };
  onDone: () => void;
}) {
  const busy = useSignal(false);
  const save = async (form: HTMLFormElement) => {
    const given = new FormData(form);
    const read = (field: string) => String(given.get(field) ?? '').trim();
    const tags = read('tags')
      .split(',')
      .map((tag) => tag.trim())
      .filter(Boolean);
    const content = read('content');
    busy.value = true;
    try {
      const { seq } =
        memory === undefined
          ? await writer().call('memories.write', {
              content,
              tags,
              ...(read('key') !== '' && { key: read('key') }),
              ...(given.get('alone') !== null && { scope: 'agent' as const }),
            })
          : await writer().call('memories.update', { id: memory.id, content, tags });
      await shown(seq);
      onDone();
    } catch (error) {
      sayWhy(error);
      busy.value = false;
    }
  };
  return (
    <form
      class="question"
      onSubmit={(event) => {
        event.preventDefault();
        void save(event.currentTarget);
      }}
    >
      <label>
        What is to be remembered
        <textarea name="content" rows={4} required dir="auto" autofocus defaultValue={memory?.content ?? ''} />
      </label>
      <div class="line">
        {memory === undefined && (
          <label>
            Key <span class="faint">(the same key: a new version)</span>
            <input name="key" dir="auto" />
          </label>
        )}
        <label>
          Tags <span class="faint">(comma-separated)</span>
          <input name="tags" dir="auto" defaultValue={memory?.tags?.join(', ') ?? ''} />
        </label>
      </div>
      <p class="line">
        {memory === undefined && (
          <label class="check">
            <input type="checkbox" name="alone" /> For me alone
          </label>
        )}
        <span class="push" />
        <button type="button" onClick={onDone}>
          Cancel
        </button>
        <button type="submit" class="primary" disabled={busy.value}>
          {memory === undefined ? 'Remember' : 'Save'}
        </button>
      </p>
    </form>
  );
}
