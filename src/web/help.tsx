import { signal } from '@preact/signals';
import { Dialog } from './dialog.tsx';
import { type Key, keys } from './keys.ts';

const open = signal(false);

/** Shows what every key does. */
export function showHelp(): void {
  open.value = true;
}

const GROUPS: readonly Key['group'][] = ['Do', 'Move', 'Go'];
const NAMES: Record<string, string> = {
  Escape: 'Esc',
  ' ': 'Space',
  'Mod+k': /Mac|iP/.test(navigator.platform) ? '⌘K' : 'Ctrl K',
};

/** A key as people know it. */
export const nameOfKey = (key: string): string => NAMES[key] ?? key;

export function Help() {
  if (!open.value) return null;
  return (
    <Dialog
      title="Keys"
      kind="wide"
      onClose={() => {
        open.value = false;
      }}
    >
      <div class="help">
        {GROUPS.map((group) => (
          <section key={group}>
            <h3>{group}</h3>
            <dl>
              {keys
                .filter((key) => key.group === group)
                .map(({ keys: combination, says }) => (
                  <div key={combination}>
                    <dt>
                      {combination.split(' ').map((key) => (
                        <kbd key={key}>{nameOfKey(key)}</kbd>
                      ))}
                    </dt>
                    <dd>{says}</dd>
                  </div>
                ))}
            </dl>
          </section>
        ))}
      </div>
    </Dialog>
  );
}
