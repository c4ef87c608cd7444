/** The commands that restart or shut down the device or restart the agent. When to run them is decided elsewhere. */

import { AgentError } from "../base/errors.ts";
import { mustRunCommand } from "./command.ts";

/** What can be requested. */
export type PowerAction = "reboot" | "shutdown" | "restartAgent";

/** A program with its arguments for each action; undefined where the platform has none. */
export type PowerCommands = Readonly<Record<PowerAction, readonly [program: string, ...args: string[]] | undefined>>;

/** Long enough for a slow init system; usually the device is down before. */
const powerCommandLimitMs = 60_000;

/** The commands of a platform. */
export function powerCommands(platform: typeof Deno.build.os): PowerCommands {
  if (platform === "windows") {
    return {
      reboot: ["shutdown", "/r", "/t", "5"],
      shutdown: ["shutdown", "/s", "/t", "5"],
      // Nothing restarts an agent that runs in a console.
      restartAgent: undefined,
    };
  }
  return { reboot: ["reboot"], shutdown: ["poweroff"], restartAgent: ["systemctl", "restart", "reagent"] };
}

/**
 * Runs the command of an action now. Throws `not_available` when there is none, `command_failed` when it fails,
 * `canceled`, `timeout` after 60 s.
 */
export async function runPowerAction(
  action: PowerAction,
  options: { commands: PowerCommands; signal: AbortSignal },
): Promise<void> {
  const command = options.commands[action];
  if (command === undefined) {
    throw new AgentError("not_available", `Cannot do "${action}": the agent is not supervised`);
  }
  const [program, ...args] = command;
  await mustRunCommand(program, args, { signal: options.signal, timeoutMs: powerCommandLimitMs });
}
