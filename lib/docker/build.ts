/** Builds of images from an archive: begun at the engine, and read until the engine has finished. */

import type { Readable } from "node:stream";
import { AgentError, hasCode } from "../base/errors.ts";
import { isDict, parseJson } from "../base/json.ts";
import type { EngineTransport } from "./engine_transport.ts";
import { EngineError, engineTextOf } from "./errors.ts";
import { readProgress } from "./progress.ts";
import { type RegistryAuth, registryConfigHeader } from "./registry.ts";

/** What is built. */
export interface BuildOptions {
  /** A tar archive, plain or packed. It is sent as it is. */
  archivePath: string;
  /** The path of the Dockerfile in it. */
  dockerfile: string;
  /** The name and tag of the image. */
  reference: string;
  /** By which the engine knows the build. */
  buildId: string;
  /** For the images that it is based on. */
  logins: readonly RegistryAuth[];
  signal: AbortSignal;
}

/** A build that the engine has begun. It must be read to its end, or aborted: until then it holds a connection. */
export interface Build {
  /**
   * Reads the build to its end; `onLine` gets each line of the engine's output, JSON, as it was sent. Throws
   * `build_failed` with the reason that the engine reports inside the stream and the last lines of the output,
   * `no_space`, `canceled` after an abort, `engine_unreachable` when the connection broke.
   */
  readToEnd(onLine: (rawJsonLine: string) => void): Promise<void>;
}

/** The engine reads the whole archive before it answers. */
const headLimitMs = 3_600_000;

/** Lines of output that an error has. */
const tailLines = 10;
const tailLineChars = 500;

const archiveReadBytes = 64 * 1024;

/**
 * Begins a build of the engine's classic builder. Aborting `signal` ends it, even later. Throws `build_failed` when it
 * is refused, `not_available` by an engine without that builder, and `io_failed` when the archive cannot be read.
 */
export async function openBuild(transport: EngineTransport, options: BuildOptions): Promise<Build> {
  const { reference, dockerfile, buildId, logins, signal } = options;
  const what = `Building image "${reference}"`;
  const archive = new SentArchive(options.archivePath, signal);
  try {
    const stream = await transport.open({
      method: "POST",
      path: "/build",
      query: { t: reference, dockerfile, rm: "1", forcerm: "1", buildid: buildId },
      archive: await archive.open(),
      ...(logins.length === 0 ? {} : { registryConfig: registryConfigHeader(logins) }),
    }, { what, signal, limitMs: headLimitMs, missing: "not_available" });
    return { readToEnd: (onLine) => readBuild(stream, { what, onLine }).finally(() => archive[Symbol.dispose]()) };
  } catch (error) {
    archive[Symbol.dispose]();
    if (archive.error !== undefined && !signal.aborted) {
      throw new AgentError("io_failed", `${what} failed: the archive cannot be read`, { cause: archive.error });
    }
    throw buildError(error);
  }
}

/** The archive on its way to the engine. Disposing ends its reading. */
class SentArchive implements Disposable {
  readonly #path: string;
  readonly #signal: AbortSignal;
  readonly #end = (): void => void this.#streams.forEach((stream) => stream.destroy());
  #streams: Readable[] = [];
  error: unknown;

  constructor(path: string, signal: AbortSignal) {
    this.#path = path;
    this.#signal = signal;
    signal.addEventListener("abort", this.#end, { once: true });
  }

  /** Returns what opens a stream: a request that is repeated needs another one. */
  async open(): Promise<() => Readable> {
    const { createReadStream } = await import("node:fs");
    return () => {
      const stream = createReadStream(this.#path, { highWaterMark: archiveReadBytes });
      stream.on("error", (error) => this.error = error);
      this.#streams.push(stream);
      return stream;
    };
  }

  [Symbol.dispose](): void {
    this.#signal.removeEventListener("abort", this.#end);
    this.#end();
  }
}

async function readBuild(
  stream: Parameters<typeof readProgress>[0],
  { what, onLine }: { what: string; onLine: (line: string) => void },
): Promise<void> {
  const tail = new BuildTail();
  await readProgress(stream, {
    what,
    failed: "build_failed",
    onLine: (line) => {
      tail.add(outputIn(line));
      onLine(line);
    },
    explain: () => tail.text(),
  });
}

/** The text that a line of the engine's output carries; empty for one that carries none. */
function outputIn(rawJsonLine: string): string {
  const wire = parseJson(rawJsonLine);
  return isDict(wire) && typeof wire.stream === "string" ? wire.stream : "";
}

/** The engine's own notes between the steps help nobody. */
function isOutput(line: string): boolean {
  return line.trim() !== "" && !line.startsWith(" ---> ");
}

/** What the steps of a build have printed last. */
export class BuildTail {
  #rest = "";
  #lines: string[] = [];

  /** Adds a piece of the output. */
  add(text: string): void {
    const lines = `${this.#rest}${text}`.split(/\r?\n/);
    this.#rest = (lines.pop() ?? "").slice(0, tailLineChars);
    this.#lines = [...this.#lines, ...lines.filter(isOutput)].slice(-tailLines);
  }

  /** The last lines, each behind a line feed. */
  text(): string {
    const lines = this.#rest.trim() === "" ? this.#lines : [...this.#lines, this.#rest];
    return lines.map((line) => `\n${line.slice(0, tailLineChars)}`).join("");
  }
}

/**
 * The answer of an engine without the classic builder names it, or the interface does not exist there. No released
 * engine answers so yet.
 */
function buildError(error: unknown): unknown {
  if (!hasCode(error, "engine_failed", "engine_refused", "not_available")) return error;
  const engineText = engineTextOf(error) ?? error.message;
  const isMissing = error.code === "not_available" || isBuilderMissing(engineText);
  return new EngineError(isMissing ? "not_available" : "build_failed", error.message, { engineText, cause: error });
}

/** True for a text with which an engine refuses a build because it has no classic builder. Pure. */
export function isBuilderMissing(engineText: string): boolean {
  const builder = /(?:classic|legacy|v1) builder|builder version|buildkit/i;
  const gone = /no longer|not supported|unsupported|removed|not available|disabled|only|required|invalid|unknown/i;
  return builder.test(engineText) && gone.test(engineText);
}
