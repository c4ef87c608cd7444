import assert from "node:assert/strict";
import { RegistryPauses } from "../../../../lib/apps/work/registry_pauses.ts";
import { hasCode } from "../../../../lib/base/errors.ts";
import { FakeClock } from "../../../fakes/fake_clock.ts";

Deno.test("#14: a registry is not to be asked until its pause is over, others are", async () => {
  const clock = new FakeClock();
  const pauses = new RegistryPauses(clock);
  pauses.assertOpen("a");
  pauses.note("a", 20_000);
  await clock.advance(5_000);
  pauses.note("a", 3_000);
  assert.equal(pauses.leftMs("a"), 15_000, "the longer pause counts");
  assert.equal(pauses.leftMs("b"), 0);
  pauses.assertOpen("b");
  assert.throws(
    () => pauses.assertOpen("a"),
    (error) => hasCode(error, "registry_busy") && /in 15 s/.test(error.message),
  );
  await clock.advance(15_000);
  pauses.assertOpen("a");
});

Deno.test("#14: a registry that is named in many ways fills no memory", () => {
  const pauses = new RegistryPauses(new FakeClock());
  for (let index = 0; index < 1_000; index += 1) pauses.note(`host-${index}`, 1_000);
  assert.equal(pauses.leftMs("host-0"), 0);
  assert.equal(pauses.leftMs("host-999"), 1_000);
});
