// Stands in for the logger of another host: what a tool says goes to standard error, of which the server shows the end
// where the tool ends by itself.

function say(level: string): (...words: unknown[]) => void {
  return (...words) => console.error(`[${level}]`, ...words);
}

export const logger = {
  trace: say('trace'),
  debug: say('debug'),
  info: say('info'),
  log: say('info'),
  warn: say('warn'),
  error: say('error'),
  fatal: say('fatal'),
  child: () => logger,
};

export const log = logger;
export const createLogger = () => logger;
export const getLogger = () => logger;
export default logger;
