import assert from "node:assert/strict";
import { runCaller, timeCalls } from "../../../scripts/bench/raw_caller.ts";
import { openSession, startRouter } from "../../lib/wamp/open_session.ts";

Deno.test("runCaller() makes its calls in turn, times every answer, and counts failures", async () => {
  await using router = await startRouter();
  const device = await openSession(router.url);
  const heard: unknown[][] = [];
  await device.register("test.answers", ({ args }) => {
    heard.push(args);
    return Promise.resolve({ args });
  });
  await device.register("test.fails", () => Promise.reject(new Error("out of order")));
  const seen = await runCaller({
    url: router.url,
    authid: "system",
    secret: "s",
    calls: [{ procedure: "test.answers", args: [{ a: 1 }, "x"] }, { procedure: "test.fails" }],
    inFlight: 10,
    limit: { calls: 300 },
  });
  const [answers, failures] = seen.calls;
  assert.equal((answers?.times.length ?? 0) + (failures?.errors ?? 0), 300);
  assert.ok(Math.abs((answers?.times.length ?? 0) - 150) <= 1);
  assert.ok(answers?.times.every((ms) => ms > 0 && ms < 10_000));
  assert.equal(answers?.errors, 0);
  assert.deepEqual(failures?.times, []);
  assert.match(failures?.firstError ?? "", /out of order/);
  assert.ok(seen.callsPerSecond > 0);
  assert.deepEqual(heard[0], [{ a: 1 }, "x"]);
  await device.close();
});

Deno.test("timeCalls() returns the times of one call, and throws when it fails", async () => {
  await using router = await startRouter();
  const device = await openSession(router.url);
  await device.register("test.answers", ({ args }) => Promise.resolve({ args }));
  await device.register("test.fails", () => Promise.reject(new Error("out of order")));
  const order = { url: router.url, authid: "system", secret: "s", inFlight: 2, limit: { calls: 50 } };
  const { times, perSecond } = await timeCalls({ ...order, call: { procedure: "test.answers" } });
  assert.equal(times.length, 50);
  assert.ok(perSecond > 0);
  const failing = timeCalls({ ...order, call: { procedure: "test.fails" } });
  await assert.rejects(failing, /50 calls of test\.fails failed.*out of order/);
  await device.close();
});
