import assert from "node:assert/strict";
import { FakeEngine, type Release } from "../fakes/fake_engine.ts";
import { FakeClock } from "../fakes/fake_clock.ts";
import { engineCases, engineExceptions, runEngineCase } from "./engine_cases.ts";
import type { EngineUnderTest } from "./engine_fixture.ts";

function controlOf(engine: FakeEngine, clock: FakeClock): EngineUnderTest {
  const done = Promise.resolve();
  return {
    engine,
    registryHost: "r.example.com",
    auth: { host: "r.example.com", user: "device", password: "secret" },
    publish: (reference, release: Release) => done.then(() => void engine.registry.set(reference, release)),
    stock: (reference, release) => done.then(() => engine.stock(reference, release)),
    // The release determines how long its pull takes.
    freezeRegistry: () => Promise.resolve(),
    thawRegistry: () => {},
    kill: (name) => done.then(() => engine.kill(name)),
    pause: (name) => done.then(() => engine.pause(name)),
    unpause: (name) => done.then(() => engine.unpause(name)),
    stopEngine: () => done.then(() => engine.goAway()),
    startEngine: () => done.then(() => engine.comeBack()),
    pass: (ms) => clock.advance(ms),
  };
}

for (const one of engineCases) {
  Deno.test(`fake engine: ${one.name}`, async () => {
    const clock = new FakeClock();
    await using engine = new FakeEngine(clock, { password: "secret" });
    await runEngineCase(one, { name: "fake", control: controlOf(engine, clock) });
  });
}

Deno.test("the known failures of the engine contract name existing cases, and case names are unique", () => {
  const names = engineCases.map((one) => one.name);
  assert.equal(new Set(names).size, names.length);
  for (const exception of engineExceptions) assert.ok(names.includes(exception.case), exception.case);
});
