import assert from "node:assert/strict";
import { tunnelClientVersion } from "../../../lib/version.ts";
import { moduleFolder } from "../../../scripts/frp/build_program.ts";
import { findVersionViolations } from "../../../scripts/gate/client_version.ts";

Deno.test("the module of the tunnel client names the version of the code", async () => {
  const goMod = await Deno.readTextFile(`${moduleFolder}/go.mod`);
  assert.deepEqual(findVersionViolations(goMod, { version: tunnelClientVersion }), []);
});

Deno.test("findVersionViolations() names what differs", () => {
  const goMod = "module x\n\ngo 1.24.0\n\nrequire github.com/fatedier/frp v0.65.0\n";
  assert.deepEqual(findVersionViolations(goMod, { version: "0.70.0" }), [
    "scripts/frp/go.mod requires frp 0.65.0, lib/version.ts names 0.70.0",
    "scripts/frp/go.mod is for Go 1.24.0, scripts/frp/recipe.ts for 1.25",
  ]);
  assert.equal(findVersionViolations("module x\n", { version: "0.70.0" }).length, 2);
});
