import { signal, useSignal } from '@preact/signals';
import { Dialog } from './dialog.tsx';
import { me } from './me.ts';
import { askName } from './name.tsx';
import { refuseInPast } from './past.ts';
import { sayWhy } from './say.tsx';
import { agents, shown, writer } from './store.ts';

const open = signal(false);

/** Opens the form of a new task. */
export function newTask(): void {
  if (refuseInPast()) return;
  if (me.value === undefined) askName();
  else open.value = true;
}

export function NewTask() {
  return open.value ? <Form /> : null;
}

function Form() {
  const busy = useSignal(false);
  const close = () => {
    open.value = false;
  };
  const create = async (event: SubmitEvent) => {
    event.preventDefault();
    const given = Object.fromEntries(
      [...new FormData(event.currentTarget as HTMLFormElement)]
        .map(([field, value]) => [field, String(value).trim()])
        .filter(([, value]) => value !== ''),
    ) as { title: string; description?: string; priority?: 'P0'; assignee?: string };
    busy.value = true;
    try {
      const { result, seq } = await writer().call('tasks.create', given);
      await shown(seq);
      close();
      setTimeout(() => document.querySelector<HTMLElement>(`[data-item="${CSS.escape(result.task.id)}"]`)?.focus());
    } catch (error) {
      sayWhy(error);
      busy.value = false;
    }
  };
  return (
    <Dialog title="New task" onClose={close}>
      <form onSubmit={(event) => void create(event as unknown as SubmitEvent)}>
        <label>
          What is to be done
          <input name="title" required maxLength={500} autofocus dir="auto" />
        </label>
        <label>
          More about it
          <textarea name="description" rows={4} maxLength={100_000} dir="auto" />
        </label>
        <div class="row">
          <label>
            Priority
            <select name="priority">
              <option value="">None</option>
              <option>P0</option>
              <option>P1</option>
              <option>P2</option>
              <option>P3</option>
            </select>
          </label>
          <label>
            For
            <input name="assignee" list="agents" placeholder="anybody" />
            <datalist id="agents">
              {agents.value.map(({ name }) => (
                <option key={name} value={name} />
              ))}
            </datalist>
          </label>
        </div>
        <footer>
          <button type="button" onClick={close}>
            Cancel
          </button>
          <button type="submit" class="primary" disabled={busy.value}>
            Create
          </button>
        </footer>
      </form>
    </Dialog>
  );
}
