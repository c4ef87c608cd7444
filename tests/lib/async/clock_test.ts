import assert from "node:assert/strict";
import { systemClock } from "../../../lib/async/clock.ts";
import { hasCode } from "../../../lib/base/errors.ts";

Deno.test("sleep() leaves no timer behind when it is canceled", async () => {
  const controller = new AbortController();
  const sleeping = systemClock.sleep(3_600_000, controller.signal);
  controller.abort();
  await assert.rejects(sleeping, (error) => hasCode(error, "canceled"));
  await assert.rejects(systemClock.sleep(3_600_000, controller.signal), (error) => hasCode(error, "canceled"));
});
