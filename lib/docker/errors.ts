/** Turns answers of the engine into the agent's error codes: the status decides, the text only breaks ties. Pure. */

import { AgentError, type ErrorCode, messageOf } from "../base/errors.ts";
import { isDict, parseJson } from "../base/json.ts";

/** An error with what the engine, or the registry behind it, has answered. */
export class EngineError extends AgentError {
  /** Without words of the agent. */
  readonly engineText: string;

  constructor(code: ErrorCode, message: string, options: { engineText: string; cause?: unknown }) {
    super(code, message, { cause: options.cause });
    this.engineText = options.engineText.slice(0, engineTextLimit);
  }
}

/** What the engine has answered, of an error or of one of its causes; undefined when it was not the engine's. */
export function engineTextOf(error: unknown): string | undefined {
  let current = error;
  for (let depth = 0; current instanceof Error && depth < 8; depth += 1) {
    if (current instanceof EngineError) return current.engineText;
    current = current.cause;
  }
  return undefined;
}

/** Most characters of the engine's own message that an error quotes. */
const engineTextLimit = 2_000;

/** The error for an answer with a status of 400 or above. `what` names the call ("Starting container "x""). */
export function engineFailure(
  what: string,
  answer: { status: number; text: string; missing?: ErrorCode },
): EngineError {
  const text = engineText(answer.text);
  const code = codeOf(answer.status, { text, missing: answer.missing });
  return new EngineError(code, `${what} failed: ${text}`, { engineText: text });
}

/** The error for no answer at all: nobody listens, or the connection broke. */
export function unreachable(what: string, cause: unknown): AgentError {
  return new AgentError(
    "engine_unreachable",
    `${what} failed, the container engine cannot be reached: ${messageOf(cause)}`,
    { cause },
  );
}

/** The engine's own message in an error body: the member `message` of its JSON, else the text as it is. */
export function engineText(body: string): string {
  const parsed = parseJson(body);
  const text = isDict(parsed) && typeof parsed.message === "string" ? parsed.message : body;
  return text.trim().slice(0, engineTextLimit) || "no reason given";
}

/** True for the text of a write that has failed because the engine's disk, or its share of it, is full. */
export function isFullDisk(text: string): boolean {
  return /no space left on device|disk quota exceeded/i.test(text);
}

function codeOf(status: number, options: { text: string; missing: ErrorCode | undefined }): ErrorCode {
  const { text, missing } = options;
  if (status === 404) {
    if (/no such image/i.test(text)) return "image_missing";
    if (/no such container/i.test(text)) return "container_missing";
    return missing ?? "engine_failed";
  }
  if ((status === 403 || status === 409) && /has active endpoints/i.test(text)) return "network_in_use";
  if (status === 409 && /is already in progress/i.test(text)) return "removal_running";
  if (status === 409 && /is already in use by container/i.test(text)) return "name_in_use";
  if (status === 409 && /volume is in use/i.test(text)) return "volume_in_use";
  if (/port is already allocated|address already in use/i.test(text)) return "port_in_use";
  if (isFullDisk(text)) return "no_space";
  // A version of its API that the engine does not know says nothing about the request.
  return status === 400 && !/client version/i.test(text) ? "engine_refused" : "engine_failed";
}
