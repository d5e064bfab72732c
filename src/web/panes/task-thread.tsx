import { useSignal } from '@preact/signals';
import { feedOf, loadOlder } from '../feeds.ts';
import { me } from '../me.ts';
import { MessageLine } from '../message.tsx';
import { sayWhy } from '../say.tsx';
import { live, shown, type Task, writer } from '../store.ts';
import { Part } from './parts.tsx';

/** What was said about a task, and where one says more. */
export function Thread({ task: { id } }: { task: Task }) {
  const channel = `task:${id}`;
  const { messages: all, state, older } = feedOf(channel).value;
  // What became of the task stands beside it.
  const messages = all.filter((message) => !message.id.startsWith('note-'));
  return (
    <Part title="Thread" count={live.channels.value.get(channel)?.count ?? 0}>
      <div class="comments">
        {older !== undefined && (
          <button type="button" class="quiet wide" onClick={() => void loadOlder(channel)}>
            Show older
          </button>
        )}
        {messages.length === 0 && (
          <p class="faint small">{state === 'loaded' ? 'Nothing was said about it yet.' : 'Loading…'}</p>
        )}
        {messages.map((message) => (
          <MessageLine key={message.id} message={message} goesOn={false} inThread />
        ))}
      </div>
      {me.value !== undefined && <Comment id={id} />}
    </Part>
  );
}

function Comment({ id }: { id: string }) {
  const text = useSignal('');
  const busy = useSignal(false);
  const send = async () => {
    const content = text.value.trim();
    if (content === '' || busy.value) return;
    busy.value = true;
    try {
      const { seq } = await writer().call('tasks.comment', { id, content });
      if (text.value.trim() === content) text.value = '';
      await shown(seq);
    } catch (error) {
      sayWhy(error);
    } finally {
      busy.value = false;
    }
  };
  return (
    <form
      class="comment"
      onSubmit={(event) => {
        event.preventDefault();
        void send();
      }}
    >
      <textarea
        rows={2}
        dir="auto"
        aria-label="Comment on the task"
        placeholder="Comment; Enter sends"
        value={text.value}
        onInput={({ currentTarget }) => {
          text.value = currentTarget.value;
        }}
        onKeyDown={(event) => {
          if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
          event.preventDefault();
          void send();
        }}
      />
      <button type="submit" class="send" disabled={busy.value || text.value.trim() === ''}>
        {busy.value ? 'Sending' : 'Send'}
      </button>
    </form>
  );
}
