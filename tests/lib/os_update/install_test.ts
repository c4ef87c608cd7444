// box bus
/** Installations with the real RAUC, without the rest of an agent. */

import assert from "node:assert/strict";
import { systemClock } from "../../../lib/async/clock.ts";
import type { OsUpdate } from "../../../lib/os_update/os_update.ts";
import { slotBytes } from "../../../scripts/testbed/rauc.ts";
import { UpdatedSystem } from "./updated_system.ts";

Deno.test("install() of good and bad bundles", async (test) => {
  await using system = await UpdatedSystem.start();
  await using area = system.area();
  const good = await system.rauc.makeBundle();

  await test.step("installs a good one, removes it, and tells how far it is", async () => {
    assert.equal(await area.lastInstallation(), undefined);
    await system.place(good);
    await area.install();
    assert.equal(await system.rauc.nextSlot(), "B");
    assert.deepEqual([...Deno.readDirSync(system.folder)].map(({ name }) => name).sort(), ["os_update.json", "source"]);
    assert.deepEqual(system.seen.at(-1), { step: "Installing done.", percent: 100 });
    assert.equal(system.seen.filter(({ percent }) => percent === 100).length, 1);
    assert.deepEqual(await area.lastInstallation(), { bundle: "u.raucb", outcome: "installed", why: "" });
  });

  const cutBytes = good.length - 1_000;
  const bad: [name: string, make: () => Promise<Uint8Array>, message: RegExp][] = [
    [
      "for another system",
      () => system.rauc.makeBundle({ compatible: "other" }),
      /: Installation error: Compatible mismatch/,
    ],
    ["of a stranger", () => system.rauc.makeBundle({ isForeign: true }), /: signature verification failed/],
    ["that is cut off", () => Promise.resolve(good.subarray(0, cutBytes)), /: Invalid bundle format/],
    ["that is none", () => Promise.resolve(new Uint8Array(100_000)), /: Invalid bundle format/],
    [
      "for a larger slot",
      () => system.rauc.makeBundle({ sizeBytes: slotBytes + 1_048_576 }),
      /No space left on device/,
    ],
  ];
  for (const [name, make, message] of bad) {
    await test.step(`answers one ${name} with the reason, and goes on`, async () => {
      await system.place(await make());
      await assert.rejects(area.install(), { code: "install_failed", message });
      assert.equal((await area.lastInstallation())?.outcome, "failed");
      assert.ok((await Deno.stat(system.path)).isFile);
      await system.place(good);
      await area.install();
    });
  }

  const refused: [name: string, make: () => Promise<void>, code: string, message: RegExp][] = [
    ["that is missing", () => Promise.resolve(), "not_available", /u\.raucb" is missing; download it first/],
    [
      "that others can write to",
      async () => {
        await system.place(good);
        await Deno.chmod(system.path, 0o666);
      },
      "denied",
      /other users can write to it/,
    ],
    [
      "of another user",
      async () => {
        await Deno.chmod(system.path, 0o600);
        await Deno.chown(system.path, 65_534, 65_534);
      },
      "denied",
      /it belongs to another user/,
    ],
    [
      "that is a link",
      async () => {
        await Deno.rename(system.path, `${system.folder}/elsewhere`);
        await Deno.symlink(`${system.folder}/elsewhere`, system.path);
      },
      "denied",
      /it is not a file/,
    ],
    [
      "while apps must not be disturbed",
      async () => {
        await Deno.remove(system.path);
        await system.place(good);
        system.reason = "apps are on probation";
      },
      "busy",
      /Not now: apps are on probation/,
    ],
  ];
  for (const [name, make, code, message] of refused) {
    await test.step(`refuses one ${name}`, async () => {
      await make();
      await assert.rejects(area.install(), { code, message });
      assert.equal((await area.lastInstallation())?.outcome, "installed");
    });
  }
});

Deno.test("install() of what somebody else has begun, and of what nobody can install", async () => {
  await using system = await UpdatedSystem.start();
  const good = await system.rauc.makeBundle();
  await system.place(good);
  await system.rauc.hold();
  await using area = system.area();
  const first = area.install();
  await system.rauc.untilHeld();
  assert.ok(area.isInstalling);
  // Another process, as an operator's; RAUC then says that it is idle, and goes on.
  await using other = system.area({ recordFile: `${system.folder}/other.json` });
  const busy = { code: "busy", message: "installation already in progress" };
  for (let turn = 0; turn < 3; turn += 1) await assert.rejects(other.install(), busy);
  await assert.rejects(area.install(), busy);
  await systemClock.sleep(700);
  await system.rauc.release();
  await first;
  assert.equal(system.seen.at(-1)?.step, "Installing done.");

  await system.place(good);
  await system.rauc.stop();
  await assert.rejects(area.install(), { code: "not_available", message: /no installer of updates/ });
  await system.bus.stop();
  await assert.rejects(area.install(), { code: "not_available", message: /no installer of updates/ });
});

Deno.test("an installation that outlives its process is found by the next one, whatever has become of it", async () => {
  await using system = await UpdatedSystem.start();
  const good = await system.rauc.makeBundle();
  const record = `${system.folder}/os_update.json`;
  /** Begins one, and returns what the next process finds. */
  const leave = async () => {
    await system.place(good);
    await system.rauc.hold();
    const area = system.area();
    const end = assert.rejects(area.install(), { code: "canceled" });
    await system.rauc.untilHeld();
    while (!(await Deno.readTextFile(record)).includes('"isBegun":true')) await systemClock.sleep(5);
    await area[Symbol.asyncDispose]();
    await end;
  };
  const resume = async (area: OsUpdate) => {
    await area.connectSteps[0]?.run({} as never);
    while ((await area.lastInstallation())?.outcome === "installing") await systemClock.sleep(10);
    return await area.lastInstallation();
  };

  await leave();
  await using running = system.area();
  const following = resume(running);
  await systemClock.sleep(300);
  await system.rauc.release();
  assert.equal((await following)?.outcome, "installed");
  await assert.rejects(Deno.stat(system.path), Deno.errors.NotFound);

  await leave();
  await system.rauc.release();
  await systemClock.sleep(1_000);
  await using ended = system.area();
  assert.equal((await resume(ended))?.outcome, "installed");

  await leave();
  await system.rauc.kill();
  await system.rauc.release();
  await system.rauc.start();
  await using killed = system.area();
  const unknown = await resume(killed);
  assert.deepEqual([unknown?.outcome, unknown?.why], ["unknown", "the installer was restarted meanwhile"]);
});
