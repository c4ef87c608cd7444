import assert from "node:assert/strict";
import { systemClock } from "../../../lib/async/clock.ts";
import { silentLog } from "../../../lib/base/log.ts";
import { createSelfUpdate, type SelfUpdate } from "../../../lib/self_update/self_update.ts";
import { pollUntil } from "../../../scripts/testbed/wait.ts";
import { answerFrom, DownloadServer } from "../../fakes/download_server.ts";
import { longestStall } from "../../fakes/longest_stall.ts";
import { ReleaseBucket } from "../../fakes/release_bucket.ts";
import { makeUpdateKey } from "../../fakes/update_key.ts";

/** More is noticed by what else the agent does. */
const stallLimitMs = 5;

/** The area of an agent that has the newest version. */
function upToDateAgent(folder: string, base: string): SelfUpdate {
  return createSelfUpdate({
    config: () => ({ environment: "local", endpointUrl: "", updateUrl: base, serialNumber: "SN-1" }),
    ...{ updateUrl: "", checksAtStart: true, version: "1.1.0", os: "linux", arch: "amd64" },
    paths: { agentDir: folder, downloadsDir: folder, selfUpdateFile: `${folder}/self_update.json` },
    unsettledApps: () => [],
    isSystemUpdating: () => false,
    environment: new Map(),
    own: {
      isConnected: () => true,
      hasEngine: () => Promise.resolve(true),
      restart: () => {},
      isEndAsked: () => false,
    },
    ...{ random: () => 0, clock: systemClock, log: silentLog },
  });
}

Deno.test("the check after the start is one request, and the event loop does not notice it", async () => {
  const bucket = new ReleaseBucket({ platform: "linux/amd64", key: (await makeUpdateKey()).key });
  await bucket.offer("1.1.0");
  await using server = new DownloadServer((request) => answerFrom(bucket.files, request));
  const folder = await Deno.makeTempDir();
  const stalls: number[] = [];
  // The first one loads the modules from their sources, which takes no time in the program that is shipped.
  for (let run = 0; run < 6; run += 1) {
    server.requests.length = 0;
    const stallMs = await longestStall(async () => {
      await using area = upToDateAgent(folder, server.base);
      // A reconnect does not look again.
      for (const step of [...area.connectSteps, ...area.connectSteps]) await step.run({} as never);
      await pollUntil("a request", () => Promise.resolve(server.requests[0]));
      await new Promise((resolve) => setTimeout(resolve, 50));
    });
    assert.deepEqual(server.paths, ["/re-agent/availableVersions.json"]);
    if (run > 0) stalls.push(stallMs);
  }
  const bestMs = Math.min(...stalls);
  assert.ok(bestMs <= stallLimitMs, `${stalls.map((ms) => ms.toFixed(1)).join(", ")} ms`);
  await Deno.remove(folder, { recursive: true });
});
