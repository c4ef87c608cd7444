import assert from "node:assert/strict";
import { chooseEngine, type Surroundings } from "../../../scripts/demo/choice.ts";

const engine = { version: "26.1.5", machine: "edge", isRootless: false, host: "unix:///run/docker.sock" };
const usable: Surroundings = {
  engine: { ...engine, foreignContainers: [] },
  isAgentRunning: false,
  hostname: "edge",
  noBox: undefined,
};

Deno.test("chooseEngine() takes the engine that is there when nobody's work can suffer", () => {
  const there = { kind: "there", host: engine.host, version: engine.version };
  assert.deepEqual(chooseEngine(usable), there);
  assert.deepEqual(chooseEngine({ ...usable, noBox: "that needs root" }), there);
});

const objections: Record<string, { found: Surroundings; because: RegExp }> = {
  "none answers": { found: { ...usable, engine: undefined }, because: /^No Docker engine answers here\.$/ },
  "an agent runs": { found: { ...usable, isAgentRunning: true }, because: /^An agent \(or another demo\) runs/ },
  "it has another agent's containers": {
    found: { ...usable, engine: { ...engine, foreignContainers: ["prod_7_shop"] } },
    because: /containers of another agent \(prod_7_shop\)/,
  },
  "it is in another machine, as Docker Desktop's is": {
    found: { ...usable, engine: { ...engine, machine: "docker-desktop", foreignContainers: [] } },
    because: /on another machine \(docker-desktop\)/,
  },
  "it is reached over TCP": {
    found: { ...usable, engine: { ...engine, host: "tcp://edge:2375", foreignContainers: [] } },
    because: /on another machine/,
  },
  "it runs without root": {
    found: { ...usable, engine: { ...engine, isRootless: true, foreignContainers: [] } },
    because: /runs without root/,
  },
};

for (const [name, { found, because }] of Object.entries(objections)) {
  Deno.test(`chooseEngine() leaves the engine alone and says why: ${name}`, () => {
    const choice = chooseEngine(found);
    assert.ok(choice.kind === "private");
    assert.match(choice.because, because);
    const hopeless = chooseEngine({ ...found, noBox: "that needs root" });
    const need = "A private engine is not possible either: that needs root.";
    assert.deepEqual(hopeless, { kind: "none", because: choice.because, need });
  });
}
