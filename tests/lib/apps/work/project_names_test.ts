import assert from "node:assert/strict";
import { unfinishedNames } from "../../../../lib/apps/work/project_names.ts";

const web = (name: string, number = 1) => ({ id: `id of ${name}`, name, service: "web", number });

Deno.test("unfinishedNames() finds containers whose replacement was cut off, and leaves all others alone", () => {
  const found = (...services: ReturnType<typeof web>[]) => unfinishedNames(services, "prod_7_shop_compose");
  const name = "prod_7_shop_compose-web-1";
  const cutOff = `e41bf82f9a8e_${name}`;
  assert.deepEqual(found(web(cutOff)), [{ id: `id of ${cutOff}`, name }]);
  assert.deepEqual(found(web(name)), []);
  // The one that it replaces is still there.
  assert.deepEqual(found(web(name), web(cutOff)), []);
  for (const other of [`e41bf82f9a8_${name}`, `E41BF82F9A8E_${name}`, "e41bf82f9a8e_own", `x${cutOff}`, `${name}0`]) {
    assert.deepEqual(found(web(other)), [], other);
  }
  assert.deepEqual(found(web(`0123456789ab_${name.replace("-1", "-2")}`, 2)).length, 1);
});
