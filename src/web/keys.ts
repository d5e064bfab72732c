/** One key, or one after another, and what it does. */
export interface Key {
  /** As `KeyboardEvent.key` says: `c`, `?`, `Escape`; `g b`: one after another; `Mod+k`: with Control or ⌘, also where text is typed. */
  keys: string;
  /** What it does, for the help. */
  says: string;
  group: 'Move' | 'Do' | 'Go';
  /** Answers false where there is nothing to do: the browser then does what it does. */
  run(): unknown;
}

const registry: Key[] = [];

/** Every key, in the order in which the help shows them. */
export const keys: readonly Key[] = registry;

/** Adds keys. One that is there already is a fault. */
export function addKeys(...added: readonly Key[]): void {
  for (const key of added) {
    if (registry.some(({ keys }) => keys === key.keys)) throw new Error(`the key ${key.keys} is taken`);
    registry.push(key);
  }
}

/** Milliseconds in which the second key of two must come. */
const PATIENCE = 1_500;
let first: { key: string; at: number } | undefined;

/** True where what is typed is text. */
function isTyping(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement &&
    (target.isContentEditable ||
      /^(?:TEXTAREA|SELECT)$/.test(target.tagName) ||
      (target instanceof HTMLInputElement && !/^(?:checkbox|radio|button|range)$/.test(target.type)))
  );
}

/** Does what a key says, unless text is typed or a dialog is open. */
export function listenToKeys(): void {
  addEventListener('keydown', (event) => {
    if (event.defaultPrevented || event.isComposing || event.altKey || document.querySelector('dialog[open]')) return;
    if (event.ctrlKey || event.metaKey) {
      const found = registry.find(({ keys }) => keys === `Mod+${event.key.toLowerCase()}`);
      if (found && found.run() !== false) event.preventDefault();
      return;
    }
    if (isTyping(event.target)) return;
    const before = first && event.timeStamp - first.at < PATIENCE ? `${first.key} ` : '';
    first = undefined;
    const found =
      registry.find(({ keys }) => keys === `${before}${event.key}`) ?? registry.find(({ keys }) => keys === event.key);
    if (found) {
      if (found.run() !== false) event.preventDefault();
    } else if (registry.some(({ keys }) => keys.startsWith(`${event.key} `))) {
      first = { key: event.key, at: event.timeStamp };
      event.preventDefault();
    }
  });
}
