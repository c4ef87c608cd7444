// box radios
/** Wi-Fi with real networks: boots a machine with simulated radios and runs the cases there. For nightly runs. */

import assert from "node:assert/strict";
import { readTextIfThere } from "../../../scripts/files.ts";
import { withInstalledPackages } from "../../../scripts/packages.ts";
import { projectRoot } from "../../../scripts/paths.ts";
import { readJunit } from "../../../scripts/test/junit.ts";
import { runOnMachine } from "../../../scripts/testbed/virtual_machine.ts";

const isNightly = Deno.env.get("REAGENT_FAULTS") === "all";

const cases = "tests/lib/network/wifi_radio_cases.ts";

Deno.test({ name: "networks are joined and refused on a machine with radios", ignore: !isNightly }, async (t) => {
  const folder = await Deno.makeTempDir();
  const options = ["--no-prompt", "-P", "--quiet", "--no-check", withInstalledPackages];
  const { code, output } = await runOnMachine({
    command: [Deno.execPath(), "test", ...options, "--junit-path=/mnt/report.xml", cases],
    cwd: projectRoot,
    env: { NO_COLOR: "1" },
    radios: 4,
    folder,
  });
  for (const { name, kind, text } of readJunit(await readTextIfThere(`${folder}/report.xml`) ?? "")) {
    await t.step(name, () => assert.equal(kind, "passed", text));
  }
  assert.equal(code, 0, output);
  await Deno.remove(folder, { recursive: true });
});
