/** Writes numbered lines to the log at the given path and prints each number, until it is killed. */

import { systemClock } from "../../../lib/async/clock.ts";
import { openLog } from "../../../lib/log/log.ts";

const nowhere = { write: (bytes: Uint8Array) => Promise.resolve(bytes.length) };
await using agentLog = openLog({
  path: Deno.args[0] ?? "",
  isDebug: true,
  isPretty: false,
  isColored: false,
  clock: systemClock,
  stdout: nowhere,
  stderr: nowhere,
});
for (let index = 1;; index += 1) {
  agentLog.log.debug("Line", { index });
  await Deno.stdout.write(new TextEncoder().encode(`${index}\n`));
}
