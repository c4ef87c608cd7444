import assert from "node:assert/strict";
import { chooseEngine, type MachineState } from "../../../scripts/demo/choice.ts";

const engine = { version: "26.1.5", machine: "edge", isRootless: false, host: "unix:///run/docker.sock" };
const usable: MachineState = {
  engine: { ...engine, foreignContainers: [] },
  isAgentRunning: false,
  hostname: "edge",
  noBox: undefined,
};

Deno.test("chooseEngine() chooses the engine of the machine if the demo disturbs nobody there", () => {
  const existing = { kind: "existing", host: engine.host, version: engine.version };
  assert.deepEqual(chooseEngine(usable), existing);
  assert.deepEqual(chooseEngine({ ...usable, noBox: "that needs root" }), existing);
});

const objections: Record<string, { machine: MachineState; because: RegExp }> = {
  "there is none": { machine: { ...usable, engine: undefined }, because: /^No Docker engine answers here\.$/ },
  "an agent is running": { machine: { ...usable, isAgentRunning: true }, because: /^An agent .* is already running/ },
  "it has another agent's containers": {
    machine: { ...usable, engine: { ...engine, foreignContainers: ["prod_7_shop"] } },
    because: /containers of another agent \(prod_7_shop\)/,
  },
  "it is in a virtual machine, like that of Docker Desktop": {
    machine: { ...usable, engine: { ...engine, machine: "docker-desktop", foreignContainers: [] } },
    because: /on another machine \(docker-desktop\)/,
  },
  "it uses TCP": {
    machine: { ...usable, engine: { ...engine, host: "tcp://edge:2375", foreignContainers: [] } },
    because: /on another machine/,
  },
  "it runs without root": {
    machine: { ...usable, engine: { ...engine, isRootless: true, foreignContainers: [] } },
    because: /runs without root/,
  },
};

for (const [name, { machine, because }] of Object.entries(objections)) {
  Deno.test(`chooseEngine() leaves the engine alone if ${name}, and explains it`, () => {
    const choice = chooseEngine(machine);
    assert.ok(choice.kind === "private");
    assert.match(choice.because, because);
    const hopeless = chooseEngine({ ...machine, noBox: "that needs root" });
    const need = "A private engine is not possible either: that needs root.";
    assert.deepEqual(hopeless, { kind: "none", because: choice.because, need });
  });
}
