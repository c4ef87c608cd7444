/** Times as RFC 3339 text. Pure. */

/** The time from one moment to another, both included; milliseconds since 1970. Without a bound it has no end there. */
export interface TimeWindow {
  sinceMs?: number;
  untilMs?: number;
}

const pattern = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:[.,](\d{1,30}))?(?:Z|([+-])(\d\d):(\d\d))$/;

/**
 * Milliseconds since 1970, with fractions, of a time with a zone such as `2031-03-05T08:00:00.5+01:00`; undefined for
 * anything else, and for days and hours that do not exist.
 */
export function parseRfc3339(text: string): number | undefined {
  const match = pattern.exec(text);
  if (match === null) return undefined;
  const [, year, month, day, hour, minute, second, fraction = "", sign = "+", offsetHour = 0, offsetMinute = 0] = match;
  if (Number(hour) > 23 || Number(minute) > 59 || Number(second) > 59) return undefined;
  if (Number(offsetHour) > 24 || Number(offsetMinute) > 59) return undefined;
  const date = new Date(0);
  date.setUTCFullYear(Number(year), Number(month) - 1, Number(day));
  if (date.getUTCMonth() !== Number(month) - 1 || date.getUTCDate() !== Number(day)) return undefined;
  date.setUTCHours(Number(hour), Number(minute), Number(second));
  const offsetMs = (Number(offsetHour) * 60 + Number(offsetMinute)) * 60_000;
  return date.getTime() + Number(`0.${fraction}0`) * 1_000 - (sign === "-" ? -offsetMs : offsetMs);
}

/** A moment in UTC with whole seconds, rounded down: `2031-03-05T07:00:00Z`. */
export function utcSecondsText(ms: number): string {
  return `${new Date(Math.floor(ms / 1_000) * 1_000).toISOString().slice(0, 19)}Z`;
}
