import assert from "node:assert/strict";
import { Router } from "../../scripts/studio/router/router.ts";
import { cases, exceptions, runCase } from "./router_contract.ts";
import { accounts, salt } from "./router_fixture.ts";

for (const one of cases) {
  Deno.test(`embedded router: ${one.name}`, async () => {
    await using router = await Router.listen({
      hostname: "127.0.0.1",
      port: 0,
      realm: "realm1",
      users: {
        [accounts.device.authid]: { secret: accounts.device.secret, role: "device" },
        [accounts.backend.authid]: { secret: accounts.backend.secret, role: "system" },
        [accounts.salted.authid]: { secret: accounts.salted.secret, role: "device", salt },
      },
    });
    await runCase(one, { name: "embedded", router });
  });
}

Deno.test("the known failures of the router contract name existing cases, and case names are unique", () => {
  const names = cases.map((one) => one.name);
  assert.equal(new Set(names).size, names.length);
  for (const exception of exceptions) assert.ok(names.includes(exception.case), exception.case);
});
