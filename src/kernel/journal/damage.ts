/** The journal is not opened, for a reason that a person must judge; the message says what and what to do. */
export class JournalRefused extends Error {
  constructor(message: string) {
    super(message);
    this.name = new.target.name;
  }
}

/** The journal is damaged in a way that no crash explains: acknowledged records may be gone, so nothing is started. */
export class JournalDamaged extends JournalRefused {
  constructor(file: string, where: string, reason: string) {
    super(
      `The journal is damaged: ${file}${where}: ${reason}.\n` +
        'Acknowledged records may be lost, so the server does not start. Restore the file from a backup, ' +
        'or keep what is whole with `npm run journal -- repair --quarantine` (a new epoch begins).',
    );
  }
}

/** The journal was written by a later version; nothing is wrong with it. */
export class JournalTooNew extends JournalRefused {
  constructor(file: string, schema: number, known: number) {
    super(`${file} has schema ${schema}; this version reads up to ${known}. Start a newer version of the server.`);
  }
}

/** There is no room to make the journal ready; nothing was changed. */
export class JournalDiskFull extends JournalRefused {
  constructor(dir: string, cause: unknown) {
    super(
      `The disk that holds ${dir} is full (${cause instanceof Error ? cause.message : String(cause)}). ` +
        'Nothing is lost; free some space and start again.',
    );
  }
}

/** What a full disk looks like: no space, quota used up, a file-size limit. */
const FULL = new Set(['ENOSPC', 'EDQUOT', 'EFBIG']);

/** True for what the operating system says where a disk or a quota is full. */
export function isDiskFull(error: unknown): boolean {
  return FULL.has((error as NodeJS.ErrnoException | undefined)?.code ?? '');
}
