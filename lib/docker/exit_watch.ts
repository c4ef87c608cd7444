/** Waits for the exit of a container, begun early enough not to miss the quickest one. */

import { AgentError } from "../base/errors.ts";
import { isDict, parseJson } from "../base/json.ts";
import { readAnswerText } from "./engine_stream.ts";
import { type EngineTransport, pathPart } from "./engine_transport.ts";

/** `next-exit` waits for an exit that is still to come, for `not-running` a past one counts too. */
export type ExitCondition = "not-running" | "next-exit" | "removed";

/** A wait that the engine has confirmed: no exit from now on is missed. Call `exitCode()`, or abort the signal. */
export interface ExitWatch {
  /** The exit code; to be called once. Throws `canceled`, `engine_unreachable`. */
  exitCode(): Promise<number>;
}

/** Begins to wait; returns when the engine has confirmed. Throws `container_missing`. */
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
