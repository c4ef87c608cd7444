/** Answers of the engine whose body is read piece by piece. */

import type { IncomingMessage } from "node:http";
import { AgentError } from "../base/errors.ts";
import { unreachable } from "./errors.ts";

/** An answer whose head has arrived, and whose body is still to come. */
export interface EngineStream {
  status: number;
  /** Empty when there is none. */
  contentType: string;
  /**
   * The body. Throws `engine_unreachable` when the connection breaks before its end, `canceled` when the signal of the
   * request is aborted, `timeout` when `stallMs` passed without a byte, unless `mayWait` then returns true: it is asked
   * again after as long. Leaving the loop closes the connection.
   */
  chunks(stallMs?: number, mayWait?: () => boolean): AsyncGenerator<Uint8Array, void>;
}

/** The largest answer that is read as a whole. */
const answerLimitBytes = 64 * 1024 * 1024;

/** The answer that Node's HTTP client has received. `what` starts every error text. */
export function streamOf(response: IncomingMessage, options: { what: string; signal: AbortSignal }): EngineStream {
  // An abort may raise an error when nobody reads any more; readers get theirs from the iteration.
  response.on("error", () => {});
  return {
    status: response.statusCode ?? 0,
    contentType: response.headers["content-type"] ?? "",
    chunks: (stallMs, mayWait = () => false) => readChunks(response, { ...options, stallMs, mayWait }),
  };
}

/** The whole body as text. Throws as `chunks()`, and `engine_failed` above 64 MiB. */
export async function readAnswerText(stream: EngineStream): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  let size = 0;
  for await (const chunk of stream.chunks()) {
    size += chunk.length;
    if (size > answerLimitBytes) {
      throw new AgentError("engine_failed", `The engine's answer is larger than ${size} bytes`);
    }
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}

async function* readChunks(
  response: IncomingMessage,
  options: { what: string; signal: AbortSignal; stallMs: number | undefined; mayWait: () => boolean },
): AsyncGenerator<Uint8Array, void> {
  const { what, signal, stallMs, mayWait } = options;
  let isStalled = false;
  const watch = (): ReturnType<typeof setTimeout> | undefined =>
    stallMs === undefined ? undefined : setTimeout(() => {
      if (mayWait()) {
        timer = watch();
        return;
      }
      isStalled = true;
      response.destroy();
    }, stallMs);
  let timer = watch();
  try {
    for await (const chunk of response) {
      clearTimeout(timer);
      if (chunk instanceof Uint8Array) yield chunk;
      timer = watch();
    }
    if (!response.complete) throw new Error("the connection ended early");
  } catch (error) {
    if (signal.aborted) throw new AgentError("canceled", `${what} was canceled`);
    if (isStalled) throw new AgentError("timeout", `${what} brought nothing for ${stallMs} ms`);
    throw unreachable(what, error);
  } finally {
    clearTimeout(timer);
    response.destroy();
  }
}
