/** Tells the temporary files of this process from those that a crash has left. */

/** A text in the names of temporary files. The start of the process is part of it, because process ids come again. */
export function processTag(): string {
  return `${Deno.pid}-${Math.round(performance.timeOrigin)}`;
}
