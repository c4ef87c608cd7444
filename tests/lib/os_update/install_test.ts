// box bus
/** Installations with the real RAUC, without the rest of an agent. */

import assert from "node:assert/strict";
import { systemClock } from "../../../lib/async/clock.ts";
import { silentLog } from "../../../lib/base/log.ts";
import { createLazyBus, type LazyBus } from "../../../lib/dbus/dbus.ts";
import type { InstallProgress, OsUpdateDeps } from "../../../lib/os_update/dependencies.ts";
import { createOsUpdate, type OsUpdate } from "../../../lib/os_update/os_update.ts";
import { MessageBus } from "../../../scripts/testbed/message_bus.ts";
import { Rauc, slotBytes } from "../../../scripts/testbed/rauc.ts";

/** A system whose update is `u.raucb`. */
class World implements AsyncDisposable {
  readonly bus: MessageBus;
  readonly rauc: Rauc;
  readonly folder = Deno.makeTempDirSync();
  readonly seen: InstallProgress[] = [];
  reason: string | undefined;
  readonly #buses: LazyBus[] = [];

  private constructor(bus: MessageBus, rauc: Rauc) {
    this.bus = bus;
    this.rauc = rauc;
    Deno.writeTextFileSync(`${this.folder}/source`, "a,b,https://example.com/u.raucb\n");
  }

  static async start(): Promise<World> {
    const bus = await MessageBus.start();
    return new World(bus, await Rauc.start(bus.address));
  }

  get path(): string {
    return `${this.folder}/u.raucb`;
  }

  /** Another one is another process. */
  area(change: Partial<OsUpdateDeps> = {}): OsUpdate {
    const bus = createLazyBus({ address: this.bus.address, clock: systemClock, log: silentLog });
    this.#buses.push(bus);
    return createOsUpdate({
      paths: { current: "", latest: "", sourceFile: `${this.folder}/source`, bundleFolder: this.folder },
      recordFile: `${this.folder}/os_update.json`,
      bus,
      onDownload: () => {},
      onInstall: (progress) => void this.seen.push(progress),
      reasonToWait: () => this.reason,
      reserveBytes: () => Promise.resolve(0),
      clock: systemClock,
      log: silentLog,
      ...change,
    });
  }

  async place(bytes: Uint8Array): Promise<void> {
    await Deno.writeFile(this.path, bytes, { mode: 0o600 });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const bus of this.#buses) await bus[Symbol.asyncDispose]();
    await this.rauc[Symbol.asyncDispose]();
    await this.bus[Symbol.asyncDispose]();
    await Deno.remove(this.folder, { recursive: true });
  }
}

Deno.test("install() of good and bad bundles", async (test) => {
  await using world = await World.start();
  await using area = world.area();
  const good = await world.rauc.makeBundle();

  await test.step("installs a good one, removes it, and tells how far it is", async () => {
    assert.equal(await area.lastInstallation(), undefined);
    await world.place(good);
    await area.install();
    assert.equal(await world.rauc.nextSlot(), "B");
    assert.deepEqual([...Deno.readDirSync(world.folder)].map(({ name }) => name).sort(), ["os_update.json", "source"]);
    assert.deepEqual(world.seen.at(-1), { step: "Installing done.", percent: 100 });
    assert.equal(world.seen.filter(({ percent }) => percent === 100).length, 1);
    assert.deepEqual(await area.lastInstallation(), { bundle: "u.raucb", outcome: "installed", why: "" });
  });

  const cutBytes = good.length - 1_000;
  const bad: [name: string, make: () => Promise<Uint8Array>, message: RegExp][] = [
    [
      "for another system",
      () => world.rauc.makeBundle({ compatible: "other" }),
      /: Installation error: Compatible mismatch/,
    ],
    ["of a stranger", () => world.rauc.makeBundle({ isForeign: true }), /: signature verification failed/],
    ["that is cut off", () => Promise.resolve(good.subarray(0, cutBytes)), /: Invalid bundle format/],
    ["that is none", () => Promise.resolve(new Uint8Array(100_000)), /: Invalid bundle format/],
    ["for a larger slot", () => world.rauc.makeBundle({ sizeBytes: slotBytes + 1_048_576 }), /No space left on device/],
  ];
  for (const [name, make, message] of bad) {
    await test.step(`answers one ${name} with the reason, and goes on`, async () => {
      await world.place(await make());
      await assert.rejects(area.install(), { code: "install_failed", message });
      assert.equal((await area.lastInstallation())?.outcome, "failed");
      assert.ok((await Deno.stat(world.path)).isFile);
      await world.place(good);
      await area.install();
    });
  }

  const refused: [name: string, make: () => Promise<void>, code: string, message: RegExp][] = [
    ["that is missing", () => Promise.resolve(), "not_available", /u\.raucb" is missing; download it first/],
    [
      "that others can write to",
      async () => {
        await world.place(good);
        await Deno.chmod(world.path, 0o666);
      },
      "denied",
      /other users can write to it/,
    ],
    [
      "of another user",
      async () => {
        await Deno.chmod(world.path, 0o600);
        await Deno.chown(world.path, 65_534, 65_534);
      },
      "denied",
      /it belongs to another user/,
    ],
    [
      "that is a link",
      async () => {
        await Deno.rename(world.path, `${world.folder}/elsewhere`);
        await Deno.symlink(`${world.folder}/elsewhere`, world.path);
      },
      "denied",
      /it is not a file/,
    ],
    [
      "while apps must not be disturbed",
      async () => {
        await Deno.remove(world.path);
        await world.place(good);
        world.reason = "apps are on probation";
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
  await using world = await World.start();
  const good = await world.rauc.makeBundle();
  await world.place(good);
  await world.rauc.hold();
  await using area = world.area();
  const first = area.install();
  await world.rauc.untilHeld();
  assert.ok(area.isInstalling);
  // Another process, as an operator's; RAUC then says that it is idle, and goes on.
  await using other = world.area({ recordFile: `${world.folder}/other.json` });
  const busy = { code: "busy", message: "installation already in progress" };
  for (let turn = 0; turn < 3; turn += 1) await assert.rejects(other.install(), busy);
  await assert.rejects(area.install(), busy);
  await systemClock.sleep(700);
  await world.rauc.release();
  await first;
  assert.equal(world.seen.at(-1)?.step, "Installing done.");

  await world.place(good);
  await world.rauc.stop();
  await assert.rejects(area.install(), { code: "not_available", message: /no installer of updates/ });
  await world.bus.stop();
  await assert.rejects(area.install(), { code: "not_available", message: /no installer of updates/ });
});

Deno.test("an installation that outlives its process is found by the next one, whatever has become of it", async () => {
  await using world = await World.start();
  const good = await world.rauc.makeBundle();
  const record = `${world.folder}/os_update.json`;
  /** Begins one, and returns what the next process finds. */
  const leave = async () => {
    await world.place(good);
    await world.rauc.hold();
    const area = world.area();
    const end = assert.rejects(area.install(), { code: "canceled" });
    await world.rauc.untilHeld();
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
  await using running = world.area();
  const following = resume(running);
  await systemClock.sleep(300);
  await world.rauc.release();
  assert.equal((await following)?.outcome, "installed");
  await assert.rejects(Deno.stat(world.path), Deno.errors.NotFound);

  await leave();
  await world.rauc.release();
  await systemClock.sleep(1_000);
  await using ended = world.area();
  assert.equal((await resume(ended))?.outcome, "installed");

  await leave();
  await world.rauc.kill();
  await world.rauc.release();
  await world.rauc.start();
  await using killed = world.area();
  const unknown = await resume(killed);
  assert.deepEqual([unknown?.outcome, unknown?.why], ["unknown", "the installer was restarted meanwhile"]);
});
