/** Finds callers and the origin of errors in the stack of the runtime. */

/** One frame of a stack. `line` is text as in the logs of the reference agent, and includes the column in a bundle. */
export interface StackFrame {
  func: string;
  line: string;
  source: string;
}

/** A position in the source. `file` has no folders. */
export interface Caller {
  file: string;
  line: number;
  column: number;
}

const frameStart = /^\s+at /;
const framePlace = /^\s+at (?:(.*) \()?(?:.*[/\\])?([^/\\\s]+?):(\d+):(\d+)\)?$/;
const runtimePlace = /[ (](?:ext|node):/;

/**
 * Finds the code that called `method`; undefined when it is not ours. Only one frame is taken, because each one needs a
 * search in a source map: about 20 µs for one, and 220 µs for the ten that the logging package takes.
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
    const [, , name = "", line, column] = match;
    return { file: shownFile(name), line: Number(line), column: Number(column) };
  } finally {
    Error.stackTraceLimit = usualLimit;
  }
}

/**
 * The position as it is logged: `link.ts:120`. A minified bundle has only a few lines, so its positions include the
 * column: `reagent.js:47:15023`. A source map would cost memory on every device.
 */
export function placeText({ file, line, column }: Caller): string {
  return `${file}:${lineText({ file, line, column })}`;
}

/** The frames in the text of a stack, innermost first, without those that have no line in a file. */
export function framesOf(stack: string): StackFrame[] {
  return frameLines(stack).flatMap((frameLine) => {
    const match = framePlace.exec(frameLine);
    if (match === null) return [];
    const [, func = "", name = "", line = "", column = ""] = match;
    const source = shownFile(name);
    const place = { file: source, line, column };
    return [{ func: func.replace(/^async /, "") || "<anonymous>", line: lineText(place), source }];
  });
}

function lineText({ file, line, column }: { file: string; line: number | string; column: number | string }): string {
  return file.endsWith(".ts") ? String(line) : `${line}:${column}`;
}

/**
 * A launcher is the bundle under another name, `reagent-v0.21.0` for instance. Its positions are those of `reagent.js`,
 * which is published with each version.
 */
function shownFile(name: string): string {
  return /\.[cm]?[jt]s$/.test(name) ? name : "reagent.js";
}

/** Lines of the message, which comes first, may look like frames. */
function frameLines(stack: string): string[] {
  const lines = stack.split("\n");
  return lines.slice(lines.findLastIndex((line) => !frameStart.test(line)) + 1);
}
