// box bus
/** Updates of the operating system when a part of the machine fails meanwhile. */

import assert from "node:assert/strict";
import { mustRun } from "../../../scripts/programs.ts";
import { DownloadServer } from "../../fakes/download_server.ts";
import { UpdatedSystem } from "./updated_system.ts";

/** An installation in whose middle `fail` happens; afterwards everything is repaired. */
const losses: [name: string, fail: (system: UpdatedSystem) => Promise<void>][] = [
  ["RAUC is killed", ({ rauc }) => rauc.kill()],
  ["RAUC is stopped", ({ rauc }) => rauc.stop()],
  ["the bus is gone", ({ bus }) => bus.stop()],
];

Deno.test("an installation whose installer is lost is answered as a failure, and can be repeated", async (t) => {
  await using system = await UpdatedSystem.start();
  await using area = system.area();
  const good = await system.rauc.makeBundle();
  for (const [name, fail] of losses) {
    await t.step(name, async () => {
      await system.place(good);
      await system.rauc.hold();
      const refused = assert.rejects(area.install(), {
        code: "install_failed",
        message: /^Cannot install the update: the installer or the message bus has ended meanwhile/,
      });
      await system.rauc.untilHeld();
      await fail(system);
      await refused;
      assert.equal((await area.lastInstallation())?.outcome, "failed");
      assert.equal(await system.rauc.nextSlot(), "A", "the system that runs stays the chosen one");
      assert.ok((await Deno.stat(system.path)).isFile);

      await system.rauc.kill();
      await system.rauc.release();
      await system.bus.stop();
      await system.bus.start();
      await system.rauc.start();
      await area.install();
      assert.equal((await area.lastInstallation())?.outcome, "installed");
      await Deno.remove(`${system.rauc.folder}/primary`);
    });
  }
});

Deno.test("a full disk loses neither an installation nor what has arrived of a bundle", async (t) => {
  await using system = await UpdatedSystem.start();
  await using small = await smallDisk(2);
  const bytes = await system.rauc.makeBundle({ sizeBytes: 3 * 1_048_576 });
  const isLengthTold = { value: true };
  await using server = new DownloadServer(({ headers }) => {
    const [, first] = /^bytes=(\d+)-$/.exec(headers.get("range") ?? "") ?? [];
    const body = bytes.subarray(Number(first ?? 0));
    const part = `content-range: bytes ${first}-${bytes.length - 1}/${bytes.length}\r\n`;
    const status = first === undefined ? "200 OK\r\n" : `206 Partial Content\r\n${part}`;
    const length = isLengthTold.value ? `content-length: ${body.length}\r\n` : "";
    return { head: `HTTP/1.1 ${status}${length}etag: "one"`, body };
  });
  const sourceFile = `${system.folder}/source`;
  await Deno.writeTextFile(sourceFile, `a,b,${server.base}/u.raucb\n`);
  const paths = { current: "", latest: "", sourceFile, bundleFolder: small.folder };
  await using area = system.area({ paths, recordFile: `${small.folder}/os_update.json` });
  const partial = `${small.folder}/.reagent-os-update/u.raucb`;

  await t.step("a bundle that does not fit is refused before its first byte", async () => {
    await assert.rejects(area.download(), { code: "no_space", message: /it needs \d+ bytes, \d+ are free/ });
    assert.equal((await Deno.stat(partial)).size, 0);
  });

  await t.step("one of unknown size ends with the disk, and goes on once there is room", async () => {
    isLengthTold.value = false;
    await assert.rejects(area.download(), { code: "no_space" });
    const { size } = await Deno.stat(partial);
    assert.ok(size > 1_048_576, `${size} bytes have arrived`);
    await assert.rejects(area.install(), { code: "not_available", message: /download it first/ });
    await small.grow(8);
    isLengthTold.value = true;
    server.requests.length = 0;
    await area.download();
    assert.deepEqual(server.requests.map(({ headers }) => headers.get("range")), [`bytes=${size}-`]);
    assert.deepEqual(await Deno.readFile(`${small.folder}/u.raucb`), bytes);
  });

  await t.step("a bundle is installed although nothing can be noted about it", async () => {
    await small.fill();
    await area.install();
    assert.equal(await system.rauc.nextSlot(), "B");
    await assert.rejects(Deno.stat(`${small.folder}/u.raucb`), Deno.errors.NotFound);
  });
});

/** A disk of so many MiB. Disposing removes it. */
async function smallDisk(sizeMib: number) {
  const folder = await Deno.makeTempDir();
  const mount = (options: string, mib: number) =>
    mustRun("mount", ["-t", "tmpfs", "-o", `${options}size=${mib}m`, "small", folder]);
  await mount("", sizeMib);
  return {
    folder,
    grow: (mib: number) => mount("remount,", mib),
    fill: async () => {
      await assert.rejects(Deno.writeFile(`${folder}/filler`, new Uint8Array(16 * 1_048_576)), /os error 28/);
    },
    [Symbol.asyncDispose]: async () => {
      await mustRun("umount", ["-l", folder]);
      await Deno.remove(folder);
    },
  };
}
