import { z } from 'zod';
import type { Durability } from './kernel/journal/durability.ts';

/** Comma-separated text as a list. */
const list = z
  .string()
  .default('')
  .transform((text) =>
    text
      .split(',')
      .map((item) => item.trim())
      .filter(Boolean),
  );

const Port = z
  .string()
  .regex(/^\d{1,5}$/, 'a port number, 0 to 65535')
  .transform(Number)
  .pipe(z.number().max(65_535));

const LOOPBACK = /^(?:127(?:\.\d{1,3}){3}|::1|localhost)$/;

const DurabilitySetting = z
  .string()
  .regex(/^(?:always|interval:[1-9]\d{0,5})$/, '`always` or `interval:<milliseconds>`')
  .transform(
    (text): Durability =>
      text === 'always' ? { mode: 'always' } : { mode: 'interval', ms: Number(text.slice('interval:'.length)) },
  );

const Origin = list.pipe(
  z.array(
    z
      .string()
      .refine(
        (text) => URL.canParse(text) && new URL(text).origin === text,
        'origins such as https://example.org, without a path',
      ),
  ),
);

/** Every setting, by its name in the environment. `.env.example` lists them all. */
export const Settings = z.object({
  PORT: Port.default(4445).describe('Port to listen on; 0 takes a free one.'),
  HOST: z
    .string()
    .regex(
      LOOPBACK,
      'only loopback addresses (127.0.0.1, ::1, localhost): the server has no tokens yet, so anybody who reached it could read and write',
    )
    .default('127.0.0.1')
    .describe('Address to listen on; loopback only.'),
  DATA_DIR: z.string().min(1).default('./data').describe('Where the journal and the index are.'),
  LOG_LEVEL: z
    .enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'])
    .default('info')
    .describe('How much is logged; debug logs every request.'),
  DURABILITY: DurabilitySetting.default({ mode: 'always' }).describe(
    '`always`: an answer means it is on the disk. `interval:<ms>`: a power cut may take the last <ms>.',
  ),
  ALLOWED_HOSTS: list
    .pipe(z.array(z.string().regex(/^[a-z0-9.-]+(?::\d{1,5})?$/i, 'host names, with a port where it is not PORT')))
    .describe(
      'Further names by which clients reach the server, comma-separated, with a port where it is another than PORT.',
    ),
  ALLOWED_ORIGINS: Origin.describe('Web pages that may call the server, comma-separated: https://example.org'),
  STREAM_STALL_SECONDS: z
    .string()
    .regex(/^\d{1,4}$/)
    .transform(Number)
    .pipe(z.number().min(1).max(3_600))
    .default(30)
    .describe('Seconds after which a stream whose reader takes nothing is ended.'),
  MAX_STREAMS: z
    .string()
    .regex(/^\d{1,6}$/)
    .transform(Number)
    .pipe(z.number().min(1))
    .default(5_000)
    .describe('Open WebSockets and event streams at most.'),
  SEGMENT_MIB: z
    .string()
    .regex(/^\d{1,4}$/)
    .transform(Number)
    .pipe(z.number().min(1).max(1_024))
    .default(64)
    .describe('Size of a journal file in MiB after which the next one begins.'),
});

export type Config = z.output<typeof Settings>;

/** A setting has a value that it cannot have. */
export class InvalidSettings extends Error {
  constructor(problems: string[]) {
    super(
      `The settings are wrong:\n${problems.map((problem) => `  ${problem}`).join('\n')}\nSee .env.example for every setting.`,
    );
    this.name = 'InvalidSettings';
  }
}

/** Reads the settings from an environment. An empty value means the default. Throws {@link InvalidSettings}. */
export function readConfig(environment: Record<string, string | undefined>): Config {
  const given = Object.fromEntries(Object.keys(Settings.shape).map((name) => [name, environment[name] || undefined]));
  const result = Settings.safeParse(given);
  if (result.success) return result.data;
  throw new InvalidSettings(
    result.error.issues.map((issue) => `${String(issue.path[0])}="${given[String(issue.path[0])]}": ${issue.message}`),
  );
}
