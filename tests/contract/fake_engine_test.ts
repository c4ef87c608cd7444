import assert from "node:assert/strict";
import { type Release, SmallEngine } from "../fakes/fake_engine.ts";
import { FakeClock } from "../fakes/fake_clock.ts";
import { engineCases, engineExceptions, runEngineCase } from "./engine_cases.ts";
import type { EngineUnderTest } from "./engine_fixture.ts";

function underTest(engine: SmallEngine, clock: FakeClock): EngineUnderTest {
  const done = Promise.resolve();
  return {
    engine,
    registryHost: "r.example.com",
    auth: { host: "r.example.com", user: "device", password: "secret" },
    publish: (reference, release: Release) => done.then(() => void engine.registry.set(reference, release)),
    stock: (reference, release) => done.then(() => engine.stock(reference, release)),
    // How long a pull takes is said by the release.
    stallRegistry: () => Promise.resolve(),
    hurryRegistry: () => {},
    kill: (name) => done.then(() => engine.kill(name)),
    pause: (name) => done.then(() => engine.pause(name)),
    unpause: (name) => done.then(() => engine.unpause(name)),
    leave: () => done.then(() => engine.leave()),
    comeBack: () => done.then(() => engine.comeBack()),
    pass: (ms) => clock.advance(ms),
  };
}

for (const one of engineCases) {
  Deno.test(`engine in memory: ${one.name}`, async () => {
    const clock = new FakeClock();
    await using engine = new SmallEngine(clock, { password: "secret" });
    await runEngineCase(one, "small", underTest(engine, clock));
  });
}

Deno.test("the exceptions of the engine contract name cases that exist, and case names are unique", () => {
  const names = engineCases.map((one) => one.name);
  assert.equal(new Set(names).size, names.length);
  for (const exception of engineExceptions) assert.ok(names.includes(exception.case), exception.case);
});
