/** Who called, and where an error came from, read from the stack of the runtime. */

/** One place in a stack. `line` is text, as in the logs of the reference agent; in a bundle with the column behind it. */
export interface Frame {
  func: string;
  line: string;
  source: string;
}

/** A place in the source. `file` is its name without folders. */
export interface Caller {
  file: string;
  line: number;
  column: number;
}

const frameStart = /^\s+at /;
const framePlace = /^\s+at (?:(.*) \()?(?:.*[/\\])?([^/\\\s]+?):(\d+):(\d+)\)?$/;
const runtimePlace = /[ (](?:ext|node):/;

/**
 * The place that called `method`; undefined when no code of ours did. Only one frame is taken: each one costs the search
 * in a source map (about 20 µs; ten frames, as the logging package takes them, about 220 µs).
 */
export function callerOf(method: (...args: never[]) => unknown): Caller | undefined {
  const usualLimit = Error.stackTraceLimit;
  const holder: { stack?: string } = {};
  try {
    Error.stackTraceLimit = 1;
    Error.captureStackTrace(holder, method);
    const frame = frameLines(holder.stack ?? "")[0] ?? "";
    const match = framePlace.exec(frame);
    if (match === null || runtimePlace.test(frame)) return undefined;
    const [, , file = "", line, column] = match;
    return { file, line: Number(line), column: Number(column) };
  } finally {
    Error.stackTraceLimit = usualLimit;
  }
}

/**
 * The place as the log writes it: `link.ts:120`. All of a minified bundle stands in a few lines, so there the column is added,
 * which finds the place in that very bundle: `reagent.js:47:15023`. A source map would cost memory on every device.
 */
export function placeText({ file, line, column }: Caller): string {
  return `${file}:${lineText({ file, line, column })}`;
}

/** The places in the text of a stack, innermost first; those without a line in a file are left out. */
export function framesOf(stack: string): Frame[] {
  return frameLines(stack).flatMap((frameLine) => {
    const match = framePlace.exec(frameLine);
    if (match === null) return [];
    const [, func = "", source = "", line = "", column = ""] = match;
    const place = { file: source, line, column };
    return [{ func: func.replace(/^async /, "") || "<anonymous>", line: lineText(place), source }];
  });
}

function lineText({ file, line, column }: { file: string; line: number | string; column: number | string }): string {
  return file.endsWith(".ts") ? String(line) : `${line}:${column}`;
}

/** The message before the frames may have lines that look like them. */
function frameLines(stack: string): string[] {
  const lines = stack.split("\n");
  return lines.slice(lines.findLastIndex((line) => !frameStart.test(line)) + 1);
}
