/** Keeps what counts of a long output: its first lines, because a crash says there why, and its last ones. */

/** Lines kept from the beginning and from the end, and the bytes of each. */
export const keptOutput = { headLines: 5, tailLines: 25, lineBytes: 512 } as const;

/** The first 5 and the last 25 lines that were added. Blank lines are left out, others trimmed and cut. */
export class HeadAndTail {
  readonly #head: string[] = [];
  #tail: string[] = [];
  #omitted = 0;

  /** Adds a line, without its line feed. */
  add(line: string): void {
    const text = cutLine(line.trim());
    if (text === "") return;
    if (this.#head.length < keptOutput.headLines) return void this.#head.push(text);
    this.#tail.push(text);
    // Shifting for each line would be slow for outputs of many.
    if (this.#tail.length >= keptOutput.tailLines * 2) this.#trim();
  }

  /** The kept lines in their order; `(<n> line(s) omitted)` stands for those in between. */
  lines(): string[] {
    this.#trim();
    const gap = this.#omitted === 0 ? [] : [`(${this.#omitted} line(s) omitted)`];
    return [...this.#head, ...gap, ...this.#tail];
  }

  #trim(): void {
    const surplus = this.#tail.length - keptOutput.tailLines;
    if (surplus <= 0) return;
    this.#tail = this.#tail.slice(surplus);
    this.#omitted += surplus;
  }
}

/** At most 512 bytes of UTF-8, never half a character; `…` stands for the rest. */
function cutLine(text: string): string {
  const { read, written } = new TextEncoder().encodeInto(text, new Uint8Array(keptOutput.lineBytes + 4));
  if (read === text.length && written <= keptOutput.lineBytes) return text;
  const target = new Uint8Array(keptOutput.lineBytes);
  return `${text.slice(0, new TextEncoder().encodeInto(text, target).read)}…`;
}
