import { statfsSync } from 'node:fs';
import { availableParallelism, cpus, loadavg, release, tmpdir, totalmem, type } from 'node:os';

const FILE_SYSTEMS: Record<number, string> = {
  61267: 'ext4',
  16914836: 'tmpfs',
  1481003842: 'xfs',
  2435016766: 'btrfs',
};

/** What the figures were measured on. */
export function machine(): [string, string][] {
  const { type: magic } = statfsSync(tmpdir());
  return [
    ['CPU', `${cpus()[0]?.model.trim() ?? 'unknown'}, ${availableParallelism()} cores`],
    ['memory', `${Math.round(totalmem() / 1024 ** 3)} GiB`],
    ['system', `${type()} ${release()}, ${FILE_SYSTEMS[magic] ?? `file system ${magic.toString(16)}`}`],
    ['Node.js', process.version],
    [
      'load average at the start',
      loadavg()
        .map((value) => value.toFixed(2))
        .join(' '),
    ],
  ];
}
