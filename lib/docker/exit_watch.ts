/** Waiting for the end of a container, begun early enough to see the quickest. */

import { AgentError } from "../base/errors.ts";
import { isDict, parseJson } from "../base/json.ts";
import { type EngineTransport, pathPart, readAnswerText } from "./transport.ts";

/** `next-exit` waits for an exit that is still to come, `not-running` is content with a past one. */
export type ExitCondition = "not-running" | "next-exit" | "removed";

/** A wait that the engine has confirmed: no exit after this moment is missed. Read it, or abort its signal. */
export interface ExitWatch {
  /** The exit code; to be asked for once. Throws `canceled`, `engine_unreachable`. */
  exitCode(): Promise<number>;
}

/** Begins to wait; returns when the engine has taken the order. Throws `container_missing`. */
export async function openExitWatch(
  transport: EngineTransport,
  id: string,
  options: { condition: ExitCondition; signal: AbortSignal },
): Promise<ExitWatch> {
  const what = `Waiting for container "${id}"`;
  const stream = await transport.open(
    { method: "POST", path: `/containers/${pathPart(id)}/wait`, query: { condition: options.condition } },
    { what, signal: options.signal, missing: "container_missing" },
  );
  return {
    async exitCode() {
      const answer = parseJson(await readAnswerText(stream));
      if (isDict(answer) && typeof answer.StatusCode === "number") return answer.StatusCode;
      throw new AgentError("engine_unreachable", `${what} ended without an exit code`);
    },
  };
}
