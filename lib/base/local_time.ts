/** Wall time as text, for people and for records that other programs read. */

/**
 * RFC 3339 with second precision and the offset of the device's time zone, as in `2031-03-05T08:00:00+01:00`; `Z`
 * stands for an offset of zero.
 */
export function localTimeText(date: Date): string {
  const offsetMinutes = -date.getTimezoneOffset();
  const shifted = new Date(date.getTime() + offsetMinutes * 60_000);
  const plain = shifted.toISOString().slice(0, 19);
  if (offsetMinutes === 0) return `${plain}Z`;
  const size = Math.abs(offsetMinutes);
  const hours = String(Math.floor(size / 60)).padStart(2, "0");
  const minutes = String(size % 60).padStart(2, "0");
  return `${plain}${offsetMinutes < 0 ? "-" : "+"}${hours}:${minutes}`;
}
