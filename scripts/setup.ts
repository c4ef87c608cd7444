/** `deno task setup`: installs what tests need. Ends with 1 when a part could not be installed. */

import { installParts } from "./testbed/setup/install_parts.ts";

if (import.meta.main) {
  const startedMs = performance.now();
  const say = (text: string) => Deno.stdout.writeSync(new TextEncoder().encode(`setup: ${text}\n`));
  const missing = await installParts(say);
  const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
  say(missing.size === 0 ? `all parts are in place (${seconds} s)` : `missing: ${[...missing.keys()].join(", ")}`);
  Deno.exit(missing.size === 0 ? 0 : 1);
}
