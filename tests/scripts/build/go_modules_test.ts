import assert from "node:assert/strict";
import { isDict, parseJson } from "../../../lib/base/json.ts";
import { writeBill } from "../../../scripts/build/sbom/document.ts";
import { moduleFolder } from "../../../scripts/frp/build_program.ts";

Deno.test("a bill names the tunnel client, and the modules it is made of", async () => {
  const clientModule = await Deno.readTextFile(`${moduleFolder}/go.mod`);
  const bill = parseJson(writeBill({ version: "1.2.3", packages: [], clientModule }));
  assert.ok(isDict(bill) && Array.isArray(bill["components"]) && Array.isArray(bill["dependencies"]));
  const client = "pkg:golang/github.com/fatedier/frp@v0.70.0";
  const found = bill["components"].find((component) => component.purl === client);
  assert.equal(found.name, "frpc");
  assert.deepEqual(found.licenses, [{ license: { id: "Apache-2.0" } }]);
  const uses = (ref: string) =>
    Object(bill["dependencies"]).find((entry: { ref: string }) => entry.ref === ref).dependsOn;
  assert.deepEqual(uses("reagent@1.2.3"), [client]);
  assert.ok(uses(client).includes("pkg:golang/github.com/fatedier/yamux@v0.0.0-20250825093530-d0154be01cd6"));
  assert.equal(uses(client).length, bill["components"].length - 1);
});
