import { type Logger, pino } from 'pino';

/** What must not be in a log, wherever a request is logged. */
const SECRETS = ['authorization', 'cookie', 'sec-websocket-protocol', 'token', 'ticket'];

/** Logs to standard output: JSON lines, or for a person where standard output is a terminal. */
export function createLogger(level: string): Logger {
  return pino({
    level,
    redact: {
      paths: SECRETS.flatMap((name) => [name, `*.${name}`, `*.headers["${name}"]`, `headers["${name}"]`]),
      censor: '[redacted]',
    },
    ...(process.stdout.isTTY && {
      transport: { target: 'pino-pretty', options: { translateTime: 'HH:MM:ss.l', ignore: 'pid,hostname' } },
    }),
  });
}
