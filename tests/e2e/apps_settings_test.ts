// box engine registry
/** What a real engine says of settings that make no sense to it. */

import assert from "node:assert/strict";
import { sleep } from "../../scripts/testbed/wait.ts";
import { AppsFixture } from "./apps_fixture.ts";

const line = "\"This failure is caused by the app's configuration and will not be retried automatically. " +
  "Update the app's configuration or release to recover.\"";

Deno.test("change 2.3: settings that a real engine refuses are not tried again and again", async () => {
  await using fixture = await AppsFixture.start();
  await fixture.apps.reconcileLocal(new AbortController().signal);
  const version = { present_version: "1 beta", newest_version: "1 beta" };
  const entries = await fixture.requestUntil("RUNNING", line, version);
  assert.ok(entries.includes("FAILED"), entries.join());
  await sleep(8_000);
  assert.equal(fixture.studio.entries.filter((entry) => entry === "FAILED").length, 1);
  assert.equal(fixture.studio.entries.some((entry) => entry.includes("crashloop")), false);
});
