/** Pushes of images: begun at the engine, and read until the engine has finished. */

import { AgentError, hasCode } from "../base/errors.ts";
import { type EngineTransport, pathPart } from "./engine_transport.ts";
import type { EngineStream } from "./engine_stream.ts";
import { EngineError, engineTextOf } from "./errors.ts";
import { readProgress } from "./progress.ts";
import type { PullActivity } from "./pull.ts";
import { type RegistryAuth, registryAuthHeader, splitReference } from "./registry.ts";

/** A push that the engine has begun. It must be read to its end, or aborted: until then it holds a connection. */
export interface Push {
  /**
   * Reads the push to its end; `onLine` gets each line of the engine's progress, JSON, as it was sent. Throws
   * `push_failed` with the reason that the engine reports inside the stream, `no_space`, `canceled` after an abort,
   * `timeout` when the engine was silent for 5 min, `engine_unreachable` when the connection broke.
   */
  readToEnd(onLine: (rawJsonLine: string) => void): Promise<void>;
}

/**
 * Begins to push an image and returns when the engine has opened its stream. A push without a byte for `stallMs` has
 * failed, unless others go on meanwhile. Throws `image_missing`, and `push_failed` when it is refused at once.
 */
export async function openPush(
  transport: EngineTransport,
  reference: string,
  options: { auth: RegistryAuth | undefined; stallMs: number; activity: PullActivity; signal: AbortSignal },
): Promise<Push> {
  const { auth, stallMs, activity, signal } = options;
  const what = `Pushing image "${reference}"`;
  const { repository, tag } = splitReference(reference);
  try {
    const stream = await transport.open({
      method: "POST",
      path: `/images/${pathPart(repository)}/push`,
      query: { tag },
      // Engines refuse a push without this header, also one that needs no login.
      registryAuth: auth === undefined ? anonymous : registryAuthHeader(auth),
    }, { what, signal, limitMs: stallMs, missing: "image_missing" });
    return { readToEnd: (onLine) => readPush(stream, { what, stallMs, activity, onLine }) };
  } catch (error) {
    throw hasCode(error, "engine_failed", "engine_refused") ? pushError(error) : error;
  }
}

async function readPush(
  stream: EngineStream,
  options: { what: string; stallMs: number; activity: PullActivity; onLine: (line: string) => void },
): Promise<void> {
  const { what, stallMs, activity } = options;
  const onLine = (line: string) => {
    activity.note();
    options.onLine(line);
  };
  try {
    const mayWait = () => activity.hasBeenWithin(stallMs);
    await readProgress(stream, { what, failed: "push_failed", stallMs, mayWait, onLine });
  } catch (error) {
    throw hasCode(error, "push_failed") ? pushError(error) : error;
  }
}

function pushError(error: AgentError): AgentError {
  const engineText = engineTextOf(error);
  if (engineText === undefined) return new AgentError("push_failed", error.message, { cause: error });
  // Engines have no code of their own for it, and some find out only in the stream.
  const code = /no such image|does not exist locally|tag does not exist/i.test(engineText)
    ? "image_missing"
    : "push_failed";
  return new EngineError(code, error.message, { engineText, cause: error });
}

const anonymous = new TextEncoder().encode("{}").toBase64({ alphabet: "base64url" });
