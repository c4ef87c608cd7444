/** Reads what the health check of a container has printed. */

import { throwIfAborted } from "../../async/deadline.ts";
import type { Engine } from "../../docker/engine.ts";

/** Most characters of it that are shown; the engine keeps 4,096. */
const outputLimit = 1_000;

/** The output of the last check; empty when the engine does not tell. Throws `canceled`. */
export async function readHealth(
  engine: Pick<Engine, "inspect">,
  containerId: string,
  signal: AbortSignal,
): Promise<string> {
  try {
    const output = (await engine.inspect(containerId, signal))?.health?.output ?? "";
    return output.length > outputLimit ? `${output.slice(0, outputLimit)}…` : output;
  } catch {
    throwIfAborted(signal, "Reading a health check");
    // That it failed is worth more than why.
    return "";
  }
}
