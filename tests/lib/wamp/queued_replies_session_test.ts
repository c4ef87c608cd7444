import assert from "node:assert/strict";
import { messageOf } from "../../../lib/base/errors.ts";
import { sendBacklogLimitBytes } from "../../../lib/wamp/transport.ts";
import { openSession, startRouter } from "./open_session.ts";

Deno.test("replies that the socket cannot take yet are sent later, and none is lost", async () => {
  await using router = await startRouter();
  const [device, caller] = await Promise.all([openSession(router.url), openSession(router.url)]);
  const answer = "x".repeat(sendBacklogLimitBytes / 2);
  const gate = Promise.withResolvers<void>();
  await device.register("test.big", async ({ args }) => {
    await gate.promise;
    if (args[0] === 9) throw new Error("no answer");
    return { args: [args[0], answer] };
  });
  const calls = Array.from({ length: 10 }, (_, index) => caller.call("test.big", [index], { timeoutMs: 10_000 }));
  await device.call("wamp.session.count");
  gate.resolve();
  const ends = await Promise.allSettled(calls);
  const shown = ends.map((end) => end.status === "fulfilled" ? end.value.args[0] : messageOf(end.reason));
  assert.deepEqual(shown.slice(0, 9), [0, 1, 2, 3, 4, 5, 6, 7, 8]);
  assert.match(String(shown[9]), /no answer/);
  await Promise.all([device.close(), caller.close()]);
});
