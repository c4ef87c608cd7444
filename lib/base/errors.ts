/** The codes of all errors of the agent, so that callers test a code and never a text. */

/** What went wrong, for code. The message is for people. */
export type ErrorCode =
  | "archive_missing"
  | "archive_refused"
  | "bad_definition"
  | "bad_request"
  | "build_failed"
  | "bus_refused"
  | "bus_unreachable"
  | "busy"
  | "call_failed"
  | "canceled"
  | "command_failed"
  | "compose_failed"
  | "config_broken"
  | "config_missing"
  | "connect_failed"
  | "auth_rejected"
  | "container_missing"
  | "denied"
  | "duplicate_serial"
  | "engine_failed"
  | "engine_refused"
  | "engine_unreachable"
  | "image_missing"
  | "install_failed"
  | "internal"
  | "io_failed"
  | "left_alone"
  | "lock_held"
  | "name_in_use"
  | "network_in_use"
  | "network_missing"
  | "no_space"
  | "not_available"
  | "not_connected"
  | "port_in_use"
  | "privilege_check_failed"
  | "protocol_error"
  | "pull_failed"
  | "push_failed"
  | "registry_busy"
  | "removal_running"
  | "start_failed"
  | "store_failed"
  | "timeout"
  | "untrusted_server"
  | "volume_in_use"
  | "volume_missing";

/** Characters of a message: it may quote what others wrote, who may have written a lot. */
const messageChars = 16_384;

/**
 * An error with a code. `message` describes what was attempted, on what, and what was seen; it never holds a secret.
 * Above 16,384 characters it is cut.
 */
export class AgentError extends Error {
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: { cause?: unknown }) {
    super(message.length > messageChars ? `${message.slice(0, messageChars)}…` : message, options);
    this.name = "AgentError";
    this.code = code;
  }
}

/** True when `error` is an `AgentError` with one of these codes. */
export function hasCode(error: unknown, ...codes: ErrorCode[]): error is AgentError {
  return error instanceof AgentError && codes.includes(error.code);
}

/** True for an error that only reports a deliberate abort: `canceled`, or the platform's own error. */
export function isCanceled(error: unknown): boolean {
  return hasCode(error, "canceled") || (error instanceof DOMException && error.name === "AbortError");
}

/** The message of anything that was thrown, without its causes. */
export function messageOf(error: unknown): string {
  if (error instanceof Error) return error.message;
  return typeof error === "string" ? error : JSON.stringify(error) ?? String(error);
}

/** The message and those of its causes, joined by `: `, for a log line. A cause that the message quotes is left out. */
export function textOf(error: unknown): string {
  const texts: string[] = [];
  let current: unknown = error;
  for (let depth = 0; current !== undefined && current !== null && depth < 8; depth += 1) {
    const text = messageOf(current);
    if (text !== "" && !texts.some((earlier) => earlier.includes(text))) texts.push(text);
    current = current instanceof Error ? current.cause : undefined;
  }
  return texts.join(": ");
}

/** Waits for `work` and ignores errors with one of these codes. */
export async function allow(work: Promise<void>, ...codes: ErrorCode[]): Promise<void> {
  try {
    await work;
  } catch (error) {
    if (!hasCode(error, ...codes)) throw error;
  }
}
