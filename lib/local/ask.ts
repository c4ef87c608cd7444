/** Asks the agent that runs on this device, from another process. Loads next to nothing: `reagent status` is quick. */

import { AgentError, messageOf } from "../base/errors.ts";
import { receiveLine, sendLine } from "./line.ts";
import { decodeAnswer, type Question, replyLimitBytes } from "./questions.ts";
import { isShortEnough, socketNames, socketPath } from "./socket_path.ts";

/** How long an answer may take. */
const replyMs = 5_000;

/**
 * Asks the agent of `agentDir` and returns its answer. Throws `not_available` when no agent runs there, `denied` when
 * this user may not ask it, `timeout`, and `call_failed` with the agent's reason.
 */
export async function askAgent(
  question: Question,
  { agentDir, limitMs = replyMs }: { agentDir: string; limitMs?: number },
): Promise<unknown> {
  await using stack = new AsyncDisposableStack();
  const connection = await connectToAgent(agentDir, stack);
  let isLate = false;
  const timer = setTimeout(() => {
    isLate = true;
    connection.close();
  }, limitMs);
  stack.defer(() => {
    clearTimeout(timer);
    if (!isLate) connection.close();
  });
  let line: string;
  try {
    await sendLine(connection, JSON.stringify(question));
    line = await receiveLine(connection, replyLimitBytes);
  } catch (error) {
    const text = `The agent did not answer within ${limitMs / 1000} s`;
    throw isLate ? new AgentError("timeout", text) : unaskable(agentDir, error);
  }
  const answer = decodeAnswer(line);
  if (answer === undefined) throw new AgentError("call_failed", "The agent is busy; try again");
  if (!answer.ok) throw new AgentError("call_failed", answer.error);
  return answer.value;
}

async function connectToAgent(agentDir: string, stack: AsyncDisposableStack): Promise<Deno.UnixConn> {
  const path = socketPath(agentDir);
  try {
    if (isShortEnough(path)) return await Deno.connect({ transport: "unix", path });
    const { HeldFolder } = await import("../files/held_folder.ts");
    const folder = await HeldFolder.open(`${agentDir}/${socketNames.folder}`);
    if (folder === undefined) throw new Deno.errors.NotFound("no such folder");
    stack.use(folder);
    return await Deno.connect({ transport: "unix", path: folder.pathForChild(socketNames.socket) });
  } catch (error) {
    throw unaskable(agentDir, error);
  }
}

function unaskable(agentDir: string, cause: unknown): AgentError {
  if (cause instanceof Deno.errors.PermissionDenied) {
    return new AgentError("denied", `Only root may ask the agent of "${agentDir}"`, { cause });
  }
  const text = `No agent runs with its folder at "${agentDir}"`;
  return new AgentError("not_available", text, { cause: new Error(messageOf(cause)) });
}
