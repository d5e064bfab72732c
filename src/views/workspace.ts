import { createHash } from 'node:crypto';
import { readFile, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { isMissing, replaceText } from './text-file.ts';

const SEAL =
  /<!-- Written by reflectt-node, and kept so by it; write beside this file, not in it\. ([0-9a-f]{64}) -->\n$/;

/** The text with a last line by which it is known again as long as nobody changes it. */
function sealed(text: string): string {
  return `${text}\n<!-- Written by reflectt-node, and kept so by it; write beside this file, not in it. ${digest(text)} -->\n`;
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** True where this server wrote it, and nobody changed it since. */
function isOwn(text: string): boolean {
  const match = SEAL.exec(text);
  return match !== null && digest(text.slice(0, match.index - 1)) === match[1];
}

/** What a file holds; undefined where there is none. */
async function read(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

/** The directory in which an OpenClaw agent keeps what it remembers: `{agent}` stands for its name, else it is a directory below. */
function directoryOf(setting: string, agent: string): string {
  const home = setting.replace(/^~(?=$|[\\/])/, homedir());
  const workspace = home.includes('{agent}') ? home.replaceAll('{agent}', agent) : join(home, agent);
  return join(resolve(workspace), 'memory');
}

/**
 * Puts a day's file where OpenClaw reads it, or takes it away. OpenClaw writes files of the same name: where there is
 * one that is not this server's, or is no longer as it was written, it stays, and the day is in a file beside it.
 * Answers the path of a file that is in the way of both.
 */
export async function exportDay(
  setting: string,
  agent: string,
  day: string,
  text: string | undefined,
): Promise<string | undefined> {
  const dir = directoryOf(setting, agent);
  const names = [`${day}.md`, `${day}-reflectt.md`].map((name) => join(dir, name));
  const wanted = text === undefined ? undefined : sealed(text);
  let written = false;
  for (const file of names) {
    const there = await read(file);
    const own = there !== undefined && isOwn(there);
    if (there !== undefined && !own) continue;
    if (wanted !== undefined && !written) {
      if (there !== wanted) await replaceText(file, [wanted]);
      written = true;
    } else if (own) await rm(file, { force: true });
  }
  return wanted === undefined || written ? undefined : names.at(-1);
}
