import { signal, useSignal } from '@preact/signals';
import { createClient, ProblemError } from '../client/index.ts';
import { Dialog } from './dialog.tsx';
import { kept } from './kept.ts';
import { becomes, isName, me } from './me.ts';

const asking = signal(me.value === undefined && kept.read('looks') === undefined);

/** Asks who sits here. */
export function askName(): void {
  asking.value = true;
}

/** Asks for a name once, and registers it as that of a person. */
export function NameDialog() {
  const name = useSignal('');
  const trouble = useSignal<string | undefined>(undefined);
  const busy = useSignal(false);
  if (!asking.value) return null;
  const close = () => {
    if (me.value === undefined) kept.write('looks', 'yes');
    asking.value = false;
  };
  const take = async (event: Event) => {
    event.preventDefault();
    const chosen = name.value.trim();
    if (!isName(chosen)) {
      trouble.value = 'A name has 1 to 64 letters, digits, _ . - and begins with a letter or digit.';
      return;
    }
    busy.value = true;
    try {
      await createClient({ agent: chosen }).agents.register({ name: chosen, kind: 'human' });
      becomes(chosen);
      asking.value = false;
    } catch (error) {
      trouble.value = error instanceof ProblemError ? `${error.detail} ${error.hint}` : 'The server does not answer.';
    } finally {
      busy.value = false;
    }
  };
  return (
    <Dialog title="Who are you?" onClose={close}>
      <form onSubmit={(event) => void take(event)}>
        <label>
          Your name, as agents see it
          <input
            name="name"
            autocomplete="nickname"
            autofocus
            spellcheck={false}
            maxLength={64}
            placeholder="ada"
            value={name.value}
            aria-invalid={trouble.value !== undefined}
            aria-describedby="name-trouble"
            onInput={({ currentTarget }) => {
              name.value = currentTarget.value;
            }}
          />
        </label>
        <p id="name-trouble" class="trouble" role="alert">
          {trouble.value}
        </p>
        <footer>
          <button type="button" onClick={close}>
            Only look
          </button>
          <button type="submit" class="primary" disabled={busy.value}>
            Come in
          </button>
        </footer>
      </form>
    </Dialog>
  );
}
