/** Errors of file operations, by the code of the operating system. */

import { AgentError } from "../base/errors.ts";

/** The operating system's code of an error, as in `ENOSPC`; undefined when the error is not from the system. */
export function osCodeOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !("code" in error)) return undefined;
  return typeof error.code === "string" ? error.code : undefined;
}

/**
 * The error to throw when `attempt` ("Cannot write …") failed: `no_space` for a full disk or quota, else `io_failed`.
 */
export function fileError(attempt: string, error: unknown): AgentError {
  if (error instanceof AgentError) return error;
  const code = osCodeOf(error);
  return new AgentError(code === "ENOSPC" || code === "EDQUOT" ? "no_space" : "io_failed", attempt, { cause: error });
}

/** The result of `work`; what it throws becomes the error of `fileError()`. */
export async function withFileError<T>(attempt: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw fileError(attempt, error);
  }
}
