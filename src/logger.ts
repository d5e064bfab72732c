import { type DestinationStream, type Logger, pino } from 'pino';

/** What must not be in a log, wherever a request is logged. */
const SECRETS = ['authorization', 'cookie', 'sec-websocket-protocol', 'token', 'ticket'];
const CENSOR = '[redacted]';

/** A secret in an address: `?ticket=…`, `&token=…`. */
const SECRET_PARAMETER = /([?&](?:token|ticket|access_token)=)[^&#]*/gi;

/**
 * Logs to standard output: JSON lines, or for a person where standard output is a terminal. Secrets are redacted, in
 * headers, in fields and in addresses.
 */
export function createLogger(level: string, destination?: DestinationStream): Logger {
  const options = {
    level,
    redact: {
      paths: SECRETS.flatMap((name) => [`["${name}"]`, `*["${name}"]`, `headers["${name}"]`, `*.headers["${name}"]`]),
      censor: CENSOR,
    },
    serializers: { url: (url: unknown) => String(url).replace(SECRET_PARAMETER, `$1${CENSOR}`) },
  };
  if (destination !== undefined) return pino(options, destination);
  return pino({
    ...options,
    ...(process.stdout.isTTY && {
      transport: { target: 'pino-pretty', options: { translateTime: 'HH:MM:ss.l', ignore: 'pid,hostname' } },
    }),
  });
}
