import { constants } from 'node:fs';

/** When an answer is released: `always` after the write is on the disk; `interval` after the write, synced every `ms`. */
export type Durability = { mode: 'always' } | { mode: 'interval'; ms: number };

/** How `always` is kept on this platform: the strongest call there is. */
export type SyncMethod = 'O_DSYNC' | 'fdatasync' | 'fsync';

/**
 * One write on a descriptor opened with O_DSYNC is write and fdatasync in one call. macOS' O_DSYNC does not reach the
 * platter, while fsync there is F_FULLFSYNC (libuv); Windows has no O_DSYNC.
 */
export function syncMethod(platform: NodeJS.Platform = process.platform): SyncMethod {
  if (platform === 'darwin') return 'fsync';
  return constants.O_DSYNC === undefined || platform === 'win32' ? 'fdatasync' : 'O_DSYNC';
}

/** The setting in words, for people. */
export function describeDurability(durability: Durability): string {
  return durability.mode === 'always'
    ? `always (${syncMethod()})`
    : `interval:${durability.ms} (a power cut may take the last ${durability.ms} ms)`;
}
