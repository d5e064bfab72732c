import type { Capability, Settings } from './capability.ts';
import type { RingLimits } from './feed/ring.ts';
import type { Journal } from './journal/journal.ts';
import type { Search } from './search.ts';
import type { Store } from './store.ts';
import type { Toolbox } from './toolbox.ts';

/** Where time and chance come from; tests bring their own. */
export interface World {
  /** Milliseconds since 1970. */
  clock(): number;
  /** `n` random characters of a-z and 0-9. */
  random(n: number): string;
}

export interface KernelOptions {
  journal: Journal;
  store: Store;
  capabilities: readonly Capability[];
  world: World;
  settings?: Settings;
  search?: Search;
  toolbox?: Toolbox;
  ring?: RingLimits;
  /** What parts beside the kernel tell of themselves in `/health`. */
  parts?: () => Record<string, unknown>;
  /** Told while the index is rebuilt from the journal: events done, events in all. */
  onProgress?: (done: number, total: number) => void;
  /** The journal or the index cannot be trusted any more: the process must end. */
  onFailure?: (error: Error) => void;
  /** Told of a fault in what the server does by itself. */
  onFault?: (error: unknown) => void;
}
