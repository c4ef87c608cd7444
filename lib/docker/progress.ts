/** The stream of lines in which the engine reports how far a pull, a push or a build is, and how it ended. */

import type { ErrorCode } from "../base/errors.ts";
import { isDict, parseJson } from "../base/json.ts";
import { EngineError, isFullDisk } from "./errors.ts";
import type { EngineStream } from "./engine_stream.ts";
import { TextLines } from "../base/lines.ts";

/** How a stream is read. */
export interface ProgressOptions {
  /** Starts every error text. */
  what: string;
  /** The code of an error that the engine reports inside the stream, unless its disk is full. */
  failed: ErrorCode;
  /** Without a byte for so long it has failed, unless `mayWait` returns true. Absent: it may be silent. */
  stallMs?: number;
  mayWait?: () => boolean;
  /** Gets each line as it was sent, JSON. */
  onLine(rawJsonLine: string): void;
  /** Added to the text of an error that the engine reports. */
  explain?: () => string;
}

/**
 * Reads a stream to its end. The engine answers 200 first and reports what fails inside the stream. Throws `failed` or
 * `no_space` with the engine's reason, `canceled` after an abort, `timeout` after a silence, `engine_unreachable` when
 * the connection broke.
 */
export async function readProgress(stream: EngineStream, options: ProgressOptions): Promise<void> {
  const { what, failed, stallMs, mayWait, onLine, explain = () => "" } = options;
  const lines = new TextLines();
  let failure = "";
  const read = (line: string) => {
    if (line === "") return;
    failure = failureIn(line) ?? failure;
    onLine(line);
  };
  for await (const chunk of stream.chunks(stallMs, mayWait)) lines.push(chunk, read);
  lines.flush(read);
  if (failure === "") return;
  const code = isFullDisk(failure) ? "no_space" : failed;
  throw new EngineError(code, `${what} failed: ${failure}${explain()}`, { engineText: failure });
}

/** The error that a line reports; undefined when it reports none. */
function failureIn(line: string): string | undefined {
  if (!line.includes('"error')) return undefined;
  const wire = parseJson(line);
  if (!isDict(wire) || typeof wire.error !== "string" || wire.error === "") return undefined;
  return wire.error;
}
