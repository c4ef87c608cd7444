import assert from "node:assert/strict";
import { hasCode } from "../../../lib/base/errors.ts";
import { powerCommands, runPowerAction } from "../../../lib/host/power.ts";

const signal = new AbortController().signal;

Deno.test("powerCommands() knows the commands of each platform", () => {
  const unix = { reboot: ["reboot"], shutdown: ["poweroff"], restartAgent: ["systemctl", "restart", "reagent"] };
  assert.deepEqual(powerCommands("linux"), unix);
  assert.deepEqual(powerCommands("darwin"), unix);
  assert.deepEqual(powerCommands("windows"), {
    reboot: ["shutdown", "/r", "/t", "5"],
    shutdown: ["shutdown", "/s", "/t", "5"],
    restartAgent: undefined,
  });
});

Deno.test("runPowerAction() runs the command of the action and no other", async () => {
  const folder = await Deno.makeTempDir();
  const commands = {
    reboot: ["touch", `${folder}/reboot`],
    shutdown: ["touch", `${folder}/shutdown`],
    restartAgent: undefined,
  } as const;
  await runPowerAction("reboot", { commands, signal });
  assert.deepEqual([...Deno.readDirSync(folder)].map((entry) => entry.name), ["reboot"]);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("runPowerAction() throws when a command fails or is missing", async () => {
  const commands = {
    reboot: ["sh", "-c", "echo no rights >&2; exit 1"],
    shutdown: ["/no/such"],
    restartAgent: undefined,
  } as const;
  await assert.rejects(runPowerAction("reboot", { commands, signal }), /"sh" ended with code 1: no rights$/);
  await assert.rejects(runPowerAction("shutdown", { commands, signal }), (error) => hasCode(error, "command_failed"));
  await assert.rejects(
    runPowerAction("restartAgent", { commands, signal }),
    (error) => hasCode(error, "not_available"),
  );
});
