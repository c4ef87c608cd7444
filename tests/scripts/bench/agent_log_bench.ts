/**
 * The cost of a line in the agent's own log: `deno bench --no-prompt -P=tools
 * tests/scripts/bench/agent_log_bench.ts`.
 */

import { systemClock } from "../../../lib/async/clock.ts";
import { AgentError } from "../../../lib/base/errors.ts";
import { openLog } from "../../../lib/log/log.ts";

const folder = Deno.makeTempDirSync();
const output = { write: (bytes: Uint8Array) => Promise.resolve(bytes.length) };
const file = openLog({
  path: `${folder}/file.log`,
  isDebug: false,
  isPretty: false,
  isColored: false,
  clock: systemClock,
  stdout: output,
  stderr: output,
});
const pretty = openLog({
  path: `${folder}/pretty.log`,
  isDebug: true,
  isPretty: true,
  isColored: true,
  clock: systemClock,
  stdout: output,
  stderr: output,
});
for (let index = 0; index < 100; index++) {
  file.hideSecret(crypto.randomUUID());
  pretty.hideSecret(crypto.randomUUID());
}
const error = new AgentError("connect_failed", "Cannot dial router.example:443", { cause: new Error("refused") });
const fields = { app: "shop", appKey: 12, stage: "PROD", durationMs: 812, error };

Deno.bench("a disabled debug line", () => file.log.debug("Step", fields));
Deno.bench("a line without fields", () => file.log.info("Connected"));
Deno.bench("a line with five fields and an error", () => file.log.warn("Cannot connect", fields));
Deno.bench("the same on the console as well", () => pretty.log.warn("Cannot connect", fields));
Deno.bench("a line with the stack of an error", () => file.log.error("Work failed", { error: new TypeError("x") }));
Deno.bench("a line with a text of 1 MiB", () => file.log.info("Text", { text: longText }));

const longText = "some=text with a secret=word ".repeat(36_000);
