import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { me } from '../me.ts';
import { askName } from '../name.tsx';
import { sayWhy } from '../say.tsx';
import { shown, type Task, writer } from '../store.ts';

type Asked = 'complete' | 'fail' | 'approve' | 'reject' | undefined;

const QUESTIONS: Record<NonNullable<Asked>, { label: string; required: boolean; button: string }> = {
  complete: { label: 'What came of it', required: false, button: 'Complete' },
  fail: { label: 'Why it did not succeed', required: true, button: 'Give up this run' },
  approve: { label: 'A word to whoever did it', required: false, button: 'Approve' },
  reject: { label: 'What is missing', required: false, button: 'Reject' },
};

/** What who sits here can do with a task: take it, end it, give it back, judge it. */
export function Deeds({ task }: { task: Task }) {
  const asked = useSignal<Asked>(undefined);
  const busy = useSignal(false);
  const name = me.value;
  if (name === undefined)
    return (
      <p class="deeds">
        <button type="button" onClick={askName}>
          Say your name to take part
        </button>
      </p>
    );
  const { id, claim, status, reviewer } = task;
  const act = async (run: () => Promise<{ seq: number }>) => {
    busy.value = true;
    try {
      const { seq } = await run();
      asked.value = undefined;
      await shown(seq);
    } catch (error) {
      sayWhy(error);
    } finally {
      busy.value = false;
    }
  };
  const call = writer().call;
  const mine = claim?.agent === name;
  const over = status === 'done' || status === 'cancelled';
  const ask = (what: Asked) => () => {
    asked.value = asked.value === what ? undefined : what;
  };
  const buttons: JSX.Element[] = [];
  const add = (label: string, run: () => void, main = false) =>
    buttons.push(
      <button key={label} type="button" class={main ? 'primary' : ''} disabled={busy.value} onClick={run}>
        {label}
      </button>,
    );
  if (status === 'validating' && (reviewer === name || reviewer === undefined)) {
    add('Approve', ask('approve'), true);
    add('Reject', ask('reject'));
  } else if (mine) {
    add('Complete', ask('complete'), true);
    add('Give it back', () => void act(() => call('tasks.release', { id })));
    add('It failed', ask('fail'));
    add('Still at it', () => void act(() => call('tasks.heartbeat', { id })));
  } else if (claim !== undefined) add('Take over', () => void act(() => call('tasks.claim', { id, takeover: true })));
  else if (!over && status !== 'validating')
    add('Take it', () => void act(() => call('tasks.claim', { id })), status === 'todo');
  if (over) add('Open again', () => void act(() => call('tasks.update', { id, status: 'todo' })));
  return (
    <>
      <p class="deeds">
        {buttons}
        {status === 'validating' && reviewer !== undefined && reviewer !== name && (
          <span class="faint">waits for the word of {reviewer}</span>
        )}
      </p>
      {asked.value !== undefined && (
        <Question
          key={asked.value}
          of={asked.value}
          busy={busy.value}
          onAnswer={(text) => {
            const said = text.trim();
            const what = asked.value;
            void act(() =>
              what === 'complete'
                ? call('tasks.complete', { id, ...(said && { result: said }) })
                : what === 'fail'
                  ? call('tasks.fail', { id, reason: said })
                  : call('tasks.review', {
                      id,
                      verdict: what === 'approve' ? 'approve' : 'reject',
                      ...(said && { comment: said }),
                    }),
            );
          }}
        />
      )}
    </>
  );
}

function Question({ of, busy, onAnswer }: { of: NonNullable<Asked>; busy: boolean; onAnswer: (text: string) => void }) {
  const text = useSignal('');
  const { label, required, button } = QUESTIONS[of];
  return (
    <form
      class="question"
      onSubmit={(event) => {
        event.preventDefault();
        onAnswer(text.value);
      }}
    >
      <label>
        {label}
        {!required && <span class="faint"> (may be empty)</span>}
        <textarea
          rows={2}
          dir="auto"
          autofocus
          required={required}
          value={text.value}
          onInput={({ currentTarget }) => {
            text.value = currentTarget.value;
          }}
        />
      </label>
      <button type="submit" class="primary" disabled={busy}>
        {button}
      </button>
    </form>
  );
}
