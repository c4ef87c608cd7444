/** Shows how far uploads are: a bar on a terminal, plain lines elsewhere. */

import type { LineOutput } from "../line_output.ts";
import { createLineWriter } from "../line_output.ts";

/** One upload on its way. */
export interface ProgressLine {
  /** More bytes have arrived. */
  add(bytes: number): void;
  /** It has ended, well or not. */
  end(): void;
}

/** Where progress and results are shown. */
export interface Progress {
  start(name: string, totalBytes: number): ProgressLine;
  note(line: string): void;
}

const barColumns = 24;

/** At most this often a bar is drawn. */
const drawEveryMs = 100;

/** Shows progress on an output. */
export function createProgress(output: LineOutput, now: () => number = () => performance.now()): Progress {
  const note = createLineWriter(output);
  if (!output.isTerminal()) {
    return { note, start: () => ({ add: () => {}, end: () => {} }) };
  }
  const draw = (text: string) => void output.writeSync(new TextEncoder().encode(`\r\x1b[K${text}`));
  const start = (name: string, totalBytes: number): ProgressLine => {
    let bytes = 0;
    let drawnMs = Number.NEGATIVE_INFINITY;
    return {
      add: (count) => {
        bytes += count;
        if (now() - drawnMs < drawEveryMs && bytes < totalBytes) return;
        drawnMs = now();
        draw(barText({ name, bytes, totalBytes }));
      },
      end: () => draw(""),
    };
  };
  return { note, start };
}

/** A bar as text: `[########----------------]  33%  12.1 of 36.4 MB  linux/amd64/0.22.0/reagent`. */
export function barText({ name, bytes, totalBytes }: { name: string; bytes: number; totalBytes: number }): string {
  const part = totalBytes === 0 ? 1 : Math.min(1, bytes / totalBytes);
  const full = Math.round(part * barColumns);
  const megabytes = (count: number) => (count / 1_000_000).toFixed(1);
  const bar = `[${"#".repeat(full)}${"-".repeat(barColumns - full)}]`;
  const percent = `${Math.floor(part * 100)}%`.padStart(4);
  return `${bar} ${percent}  ${megabytes(bytes)} of ${megabytes(totalBytes)} MB  ${name}`;
}
