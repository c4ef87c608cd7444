/**
 * Names of temporary files. Each carries the process that created it, so that files which an earlier process left can
 * be told from those in use.
 */

/** A name that no other file has: `<prefix><process>-<random>.tmp`. */
export function temporaryName(prefix: string): string {
  return `${prefix}${processTag()}-${crypto.randomUUID().slice(0, 8)}.tmp`;
}

/** Whether this process created the temporary file of that name; undefined for every other name. */
export function parseTemporaryName(name: string, prefix: string): { isOwn: boolean } | undefined {
  if (!name.startsWith(prefix)) return undefined;
  const tag = /^(\d+-\d+)-[0-9a-f]{8}\.tmp$/.exec(name.slice(prefix.length))?.[1];
  return tag === undefined ? undefined : { isOwn: tag === processTag() };
}

/** The start time tells this process from an earlier one with the same number. */
function processTag(): string {
  return `${Deno.pid}-${Math.round(performance.timeOrigin)}`;
}
