/** Which files make the unit of the agent, and what an installation reads from them. */

import assert from "node:assert/strict";
import { earlierUnitOf } from "../../../lib/install/earlier_service.ts";
import { findUnit } from "../../../lib/install/find_unit.ts";
import { unitMark } from "../../../lib/install/unit_file.ts";

Deno.test("findUnit() takes the first folder that has the unit, and the drop-ins of all of them by name", async () => {
  await using stack = new AsyncDisposableStack();
  const root = await Deno.makeTempDir({ prefix: "u-" });
  stack.defer(() => Deno.remove(root, { recursive: true }));
  const folders = ["etc", "run", "lib"].map((name) => `${root}/${name}`);
  assert.equal(findUnit(folders), undefined);
  const files = {
    "run/reagent.service": "run",
    "lib/reagent.service": "lib",
    "lib/reagent.service.d/10-late.conf": "hidden",
    "etc/reagent.service.d/10-late.conf": "late",
    "lib/reagent.service.d/05-early.conf": "early",
    "etc/reagent.service.d/readme": "no drop-in",
    "etc/other.service.d/a.conf": "of another unit",
  };
  for (const [path, text] of Object.entries(files)) {
    await Deno.mkdir(`${root}/${path}`.replace(/\/[^/]*$/, ""), { recursive: true });
    await Deno.writeTextFile(`${root}/${path}`, text);
  }
  await Deno.symlink("/dev/null", `${root}/etc/reagent.service.d/20-off.conf`);
  const unit = findUnit(folders);
  assert.deepEqual([unit?.path, unit?.text], [`${root}/run/reagent.service`, "run"]);
  assert.deepEqual(unit?.dropIns.map(({ path, text }) => [path.slice(root.length), text]), [
    ["/lib/reagent.service.d/05-early.conf", "early"],
    ["/etc/reagent.service.d/10-late.conf", "late"],
  ]);
});

Deno.test("earlierUnitOf() reads the command that drop-ins have made, and names those that did", () => {
  const { facts, overrides } = earlierUnitOf({
    path: "/etc/systemd/system/reagent.service",
    text: `${unitMark}\n[Service]\nEnvironment=A=1\nExecStart=/opt/reagent/start_reagent.sh /opt/reagent -config /a\n`,
    dropIns: [
      { path: "/d/10.conf", text: "[Service]\nEnvironment=B=2\nWatchdogSec=10s\n" },
      { path: "/d/20.conf", text: "[Service]\nExecStart=\nExecStart=/opt/reagent/reagent -config /b\n" },
    ],
  });
  assert.deepEqual(facts.command, ["/opt/reagent/reagent", "-config", "/b"]);
  assert.deepEqual(facts.environmentLines, ["Environment=A=1"]);
  assert.deepEqual([facts.isOurs, overrides], [true, ["/d/20.conf"]]);
});
