import assert from "node:assert/strict";
import {
  type ActivationState,
  decodeActivation,
  encodeActivation,
  newActivation,
} from "../../../lib/self_update/activation_state.ts";
import { pollUntil } from "../../../scripts/testbed/wait.ts";
import { agentBodies, GuardedService } from "../../fakes/guarded_service.ts";

const versions = { from: "1.0.0", to: "1.1.0-rc.1+x" };

Deno.test("decodeActivation() reads what encodeActivation() writes", () => {
  const states: ActivationState[] = [
    newActivation({ ...versions, needs: "connection" }),
    {
      ...newActivation({ ...versions, needs: "engine" }),
      ...{ phase: "rolledBack", starts: 3, boots: 2, boot: "b-1", begun: 12_345, isConnected: true, why: "a = b" },
    },
  ];
  for (const state of states) assert.deepEqual(decodeActivation(encodeActivation(state)), state);
  const evil = { ...newActivation({ ...versions, needs: "database" }), why: "x\nend=yes\r\nphase=trial\0" };
  assert.equal(decodeActivation(encodeActivation(evil))?.why, "x end=yes phase=trial ");
});

Deno.test("decodeActivation() takes nothing from a file that is not whole", () => {
  const text = encodeActivation(newActivation({ ...versions, needs: "connection" }));
  for (let length = 0; length < text.length - 1; length += 1) {
    assert.equal(decodeActivation(text.slice(0, length)), undefined, String(length));
  }
  for (const bad of ["\0".repeat(4_096), "{}", "end=yes\n", "phase=other\nend=yes\n"]) {
    assert.equal(decodeActivation(bad), undefined, bad);
  }
  const odd = decodeActivation("phase=trial\nneeds=?\nstarts=08\nboots=-1\nbegun=99999999999\n=\nend=yes\n");
  assert.deepEqual(odd, newActivation({ from: "", to: "", needs: "connection" }));
});

Deno.test("the guard and the agent read each other's state", async () => {
  await using service = new GuardedService({ shell: ["sh"] });
  await service.addVersion(versions.from, agentBodies.runs);
  await service.addVersion(versions.to, agentBodies.exitsAtOnce);
  service.link("fallback", versions.from);
  service.link("program", versions.to);
  const before = newActivation({ ...versions, needs: "engine" });
  service.writeState(encodeActivation(before));
  service.start();
  await pollUntil("it is back", () => Promise.resolve(service.started().at(-1)?.startsWith("1.0.0") || undefined));
  const after = decodeActivation(await Deno.readTextFile(`${service.folder}/self_update.state`));
  assert.ok(after !== undefined && after.boot !== "" && after.begun > 0);
  const { boot, begun } = after;
  const why = "it has ended 3 times before it had proved itself";
  assert.deepEqual(after, { ...before, phase: "rolledBack", starts: 3, boots: 1, boot, begun, why });
});
