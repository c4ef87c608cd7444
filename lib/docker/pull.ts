/** Pulls of images: begun at the engine, and read until the engine has finished. */

import { AgentError, hasCode } from "../base/errors.ts";
import { type RegistryAuth, registryAuthHeader, splitReference } from "./registry.ts";
import type { EngineStream } from "./engine_stream.ts";
import type { EngineTransport } from "./engine_transport.ts";
import { readProgress } from "./progress.ts";

/** A pull that the engine has begun. It must be read to its end, or aborted: until then it holds a connection. */
export interface Pull {
  /**
   * Reads the pull to its end; `onLine` gets each line of the engine's progress, JSON, as it was sent. Returns the
   * digest of the manifest that was pulled (`sha256:…`), empty when the engine did not report it. Throws `pull_failed`
   * with the reason that the engine reports inside the stream, `no_space` when its disk is full, `canceled` after an
   * abort, `timeout` when the engine was silent for 5 min, `engine_unreachable` when the connection broke.
   */
  readToEnd(onLine: (rawJsonLine: string) => void): Promise<string>;
}

/** When any pull of an engine has last brought something: engines download few layers at once, and the rest waits. */
export class PullActivity {
  #latestMs = -Infinity;

  /** A pull has brought something. */
  note(): void {
    this.#latestMs = performance.now();
  }

  /** True when a pull has brought something within the last `ms`. */
  hasBeenWithin(ms: number): boolean {
    return performance.now() - this.#latestMs < ms;
  }
}

/**
 * Begins to pull an image and returns when the engine has opened its stream. A pull without a byte for `stallMs` has
 * failed, unless others go on meanwhile, for which it may have to wait. Throws `image_missing` and `pull_failed` when
 * the registry refuses at once.
 */
export async function openPull(
  transport: EngineTransport,
  reference: string,
  options: { auth: RegistryAuth | undefined; stallMs: number; activity: PullActivity; signal: AbortSignal },
): Promise<Pull> {
  const { auth, stallMs, activity, signal } = options;
  const what = `Pulling image "${reference}"`;
  const { repository, tag } = splitReference(reference);
  try {
    const stream = await transport.open({
      method: "POST",
      path: "/images/create",
      query: { fromImage: repository, tag },
      ...(auth === undefined ? {} : { registryAuth: registryAuthHeader(auth) }),
    }, { what, signal, limitMs: stallMs, missing: "image_missing" });
    return { readToEnd: (onLine) => readPull(stream, { what, stallMs, activity, onLine }) };
  } catch (error) {
    if (hasCode(error, "engine_failed")) throw new AgentError("pull_failed", error.message, { cause: error });
    throw error;
  }
}

async function readPull(
  stream: EngineStream,
  options: { what: string; stallMs: number; activity: PullActivity; onLine: (line: string) => void },
): Promise<string> {
  const { what, stallMs, activity } = options;
  let digest = "";
  await readProgress(stream, {
    what,
    failed: "pull_failed",
    stallMs,
    mayWait: () => activity.hasBeenWithin(stallMs),
    onLine: (line) => {
      activity.note();
      digest = digestIn(line) ?? digest;
      options.onLine(line);
    },
  });
  return digest;
}

/** The engine reports the digest only as text, in one of the last lines of a pull. */
function digestIn(line: string): string | undefined {
  return /"status":"Digest: (sha256:[0-9a-f]{64})"/.exec(line)?.[1];
}
