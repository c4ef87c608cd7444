/** Small pieces of Markdown. Pure. */

/** A table. Cells are plain text: bars and line breaks are escaped. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map(cellText).join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}

/** Text as code; empty text stays empty. */
export function code(text: string): string {
  return text === "" ? "" : `\`${text}\``;
}

/** Milliseconds for people: `2 s`, `10 min`. */
export function duration(ms: number): string {
  return ms >= 60_000 && ms % 60_000 === 0 ? `${ms / 60_000} min` : `${ms / 1000} s`;
}

/** Bytes for people: `500 bytes`, `256 KiB`, `3 GiB`; never rounded. */
export function size(bytes: number): string {
  const units = ["bytes", "KiB", "MiB", "GiB"];
  let unit = 0;
  let count = bytes;
  for (; count >= 1024 && count % 1024 === 0 && unit < units.length - 1; unit += 1) count /= 1024;
  return `${count} ${units[unit]}`;
}

function cellText(text: string): string {
  return text.replaceAll("|", "\\|").replaceAll("\n", " ");
}
