// box
import { Crossbar } from "../../scripts/testbed/crossbar.ts";
import { cases, runCase } from "./router_contract.ts";
import { accounts, salt } from "./router_fixture.ts";

// One router for the whole file, because it takes seconds to start; each case has URIs of its own.
const running: { router?: Crossbar } = {};

Deno.test.beforeAll(async () => {
  running.router = await Crossbar.start({
    users: [
      { ...accounts.device, role: "device" },
      { ...accounts.backend, role: "system" },
      { ...accounts.salted, role: "device", salt },
    ],
  });
});

Deno.test.afterAll(async () => {
  await running.router?.[Symbol.asyncDispose]();
});

for (const one of cases) {
  Deno.test(`Crossbar.io: ${one.name}`, async () => {
    const { router } = running;
    if (!router) throw new Error("Crossbar.io has not started");
    await runCase(one, { name: "crossbar", router });
  });
}
