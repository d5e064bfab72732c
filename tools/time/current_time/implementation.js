export async function currentTime({ zone = 'UTC', at }) {
  const now = new Date();
  const moment = at === undefined ? now : new Date(at);
  if (Number.isNaN(moment.getTime())) throw new Error(`"${at}" is no moment: use ISO 8601, such as 2026-01-31T12:00:00Z.`);
  // Throws RangeError where there is no such zone.
  const format = new Intl.DateTimeFormat('en-GB', { timeZone: zone, dateStyle: 'short', timeStyle: 'medium' });
  return {
    iso: moment.toISOString(),
    zone,
    local: format.format(moment),
    weekday: new Intl.DateTimeFormat('en-GB', { timeZone: zone, weekday: 'long' }).format(moment),
    secondsFromNow: Math.round((moment.getTime() - now.getTime()) / 1_000),
  };
}
