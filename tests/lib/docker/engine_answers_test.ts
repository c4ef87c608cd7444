import assert from "node:assert/strict";
import { answerWith, ScriptedEngine } from "../../fakes/fake_engine_server.ts";

const never = new AbortController().signal;

Deno.test("platform() asks the engine until it has answered once", async () => {
  const bodies = ["{}", '{"Os":"linux","Arch":"arm64"}', "{}"];
  await using scripted = new ScriptedEngine((...request) => answerWith(200, bodies.shift() ?? "{}")(...request));
  const engine = scripted.client();
  const seen = [await engine.platform(never), await engine.platform(never), await engine.platform(never)];
  const known = { os: "linux", architecture: "arm64" };
  assert.deepEqual(seen, [{ os: "", architecture: "" }, known, known]);
  assert.equal(scripted.requests.length, 2);
});

Deno.test("platform() asks the engine once for all who ask at the same time", async () => {
  await using scripted = new ScriptedEngine(answerWith(200, '{"Os":"linux","Arch":"arm64"}'));
  const engine = scripted.client();
  await Promise.all(Array.from({ length: 10 }, () => engine.platform(never)));
  assert.equal(scripted.requests.length, 1);
});

Deno.test("isAvailable() takes the answer to a ping right before it, once", async () => {
  let status = 200;
  await using scripted = new ScriptedEngine((...request) => answerWith(status, "OK")(...request));
  const engine = scripted.client();
  await engine.ping(never);
  status = 500;
  await assert.rejects(engine.isAvailable(AbortSignal.abort()), { code: "canceled" });
  assert.deepEqual([await engine.isAvailable(never), scripted.requests.length], [true, 1]);
  assert.deepEqual([await engine.isAvailable(never), scripted.requests.length], [false, 2]);
});
