/** Runs tunnels in the folder that is its argument, until it is killed. */

import { systemClock } from "../../lib/async/clock.ts";
import { silentLog } from "../../lib/base/log.ts";
import { createTunnels } from "../../lib/tunnels/tunnels.ts";
import { pathsIn, site } from "./tunnel_fixture.ts";

const [folder = ""] = Deno.args;
const tunnels = createTunnels({
  site: () => site,
  paths: pathsIn(folder),
  sources: [],
  environment: { get: () => undefined },
  os: "linux",
  publish: () => Promise.resolve(),
  hideSecret() {},
  clock: systemClock,
  random: Math.random,
  log: silentLog,
});
tunnels.start();
await systemClock.sleep(600_000);
