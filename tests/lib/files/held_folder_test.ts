/** Tests of folders that are held open while somebody else swaps names in them. */

import assert from "node:assert/strict";
import { hasCode } from "../../../lib/base/errors.ts";
import { HeldFolder } from "../../../lib/files/held_folder.ts";
import { mustRun } from "../../../scripts/programs.ts";

const text = (bytes: Uint8Array | undefined) => bytes && new TextDecoder().decode(bytes);
const bytes = (value: string) => new TextEncoder().encode(value);
const isLinux = Deno.build.os === "linux";

/** A held folder `in`, next to a folder `outside` with a file. */
class World implements AsyncDisposable {
  readonly root: string;
  readonly held: HeldFolder;

  private constructor(root: string, held: HeldFolder) {
    this.root = root;
    this.held = held;
  }

  static async make(): Promise<World> {
    const root = await Deno.makeTempDir();
    await Deno.mkdir(`${root}/in`);
    await Deno.mkdir(`${root}/outside`, { mode: 0o750 });
    await Deno.writeTextFile(`${root}/outside/precious`, "precious", { mode: 0o640 });
    const held = await HeldFolder.open(`${root}/in`);
    assert.ok(held !== undefined);
    return new World(root, held);
  }

  at(name: string): string {
    return `${this.root}/in/${name}`;
  }

  /** Puts everything but a file or a folder into the held folder, under these names. */
  async plantAll(): Promise<string[]> {
    await Deno.symlink(`${this.root}/outside`, this.at("folderLink"));
    await Deno.symlink(`${this.root}/outside/precious`, this.at("fileLink"));
    await Deno.symlink(`${this.root}/missing`, this.at("brokenLink"));
    await mustRun("mkfifo", [this.at("pipe")]);
    await mustRun("mknod", [this.at("device"), "c", "1", "3"]);
    return ["folderLink", "fileLink", "brokenLink", "pipe", "device"];
  }

  async assertOutsideIsUntouched(): Promise<void> {
    const { mode } = await Deno.stat(`${this.root}/outside`);
    assert.equal((mode ?? 0) & 0o7777, 0o750);
    assert.equal(await Deno.readTextFile(`${this.root}/outside/precious`), "precious");
    const names = await Array.fromAsync(Deno.readDir(`${this.root}/outside`), ({ name }) => name);
    assert.deepEqual(names, ["precious"]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.held[Symbol.asyncDispose]();
    await Deno.remove(this.root, { recursive: true });
  }
}

Deno.test(
  "#7: HeldFolder opens, reads and lists nothing through links, pipes and devices",
  { ignore: !isLinux },
  async () => {
    await using world = await World.make();
    for (const name of await world.plantAll()) {
      assert.equal(await world.held.openFolder(name), undefined, name);
      assert.equal(await world.held.openFile(name), undefined, name);
      assert.equal(await world.held.openFile(name, { isWritable: true }), undefined, name);
      assert.equal(await world.held.readFile(name, { limitBytes: 100 }), undefined, name);
    }
    await world.assertOutsideIsUntouched();
  },
);

Deno.test(
  "#7: HeldFolder replaces what is in the place of a file, and of a folder if it shall",
  { ignore: !isLinux },
  async () => {
    await using world = await World.make();
    for (const name of await world.plantAll()) {
      await assert.rejects(world.held.ensureFolder(name, { mode: 0o700 }), (error) => hasCode(error, "io_failed"));
      await world.held.writeFile(name, bytes(name), { mode: 0o644 });
      assert.ok((await Deno.lstat(world.at(name))).isFile);
    }
    await Deno.remove(world.at("folderLink"));
    await Deno.symlink(`${world.root}/outside`, world.at("folderLink"));
    await using made = await world.held.ensureFolder("folderLink", { mode: 0o711, isReplacing: true });
    await made.writeFile("x", bytes("x"), { mode: 0o600 });
    assert.equal(await Deno.readTextFile(world.at("folderLink/x")), "x");
    await world.assertOutsideIsUntouched();
  },
);

Deno.test(
  "#7: HeldFolder goes on in the folder that it holds when its path leads elsewhere",
  { ignore: !isLinux },
  async () => {
    await using world = await World.make();
    await using inner = await world.held.ensureFolder("inner", { mode: 0o700 });
    await Deno.rename(world.at("inner"), world.at("moved"));
    await Deno.symlink(`${world.root}/outside`, world.at("inner"));
    await inner.writeFile("A", bytes("1"), { mode: 0o644 });
    await inner.setMode(0o755);
    await inner.remove("precious");
    assert.deepEqual(await inner.list(), ["A"]);
    assert.equal(await Deno.readTextFile(world.at("moved/A")), "1");
    assert.equal(await mustRun("cat", [inner.pathForChild("A")]).then(({ stdout }) => stdout), "1");
    await world.assertOutsideIsUntouched();
  },
);

Deno.test("HeldFolder writes, reads, moves and removes files", async () => {
  await using world = await World.make();
  const { held } = world;
  await held.writeFile("a", bytes("one"), { mode: 0o640 });
  await held.writeFile("a", bytes("two"), { mode: 0o604 });
  const read = await held.readFile("a", { limitBytes: 3 });
  assert.deepEqual([text(read?.bytes), read?.mode], ["two", 0o604]);
  assert.equal(await held.readFile("a", { limitBytes: 2 }), undefined);
  await using inner = await held.ensureFolder("inner", { mode: 0o777 });
  assert.equal((await inner.info()).mode, 0o777);
  await held.move("a", { folder: inner, name: "b" });
  assert.deepEqual([(await held.list())?.sort(), await inner.list()], [["inner"], ["b"]]);
  await inner.remove("b");
  await inner.remove("b");
  assert.deepEqual(await inner.list(), []);
  await assert.rejects(held.writeFile("inner", bytes(""), { mode: 0o600 }));
  assert.deepEqual(await held.list(), ["inner"]);
  assert.equal(await HeldFolder.open(world.at("missing")), undefined);
});

Deno.test("HeldFolder accepts no name that leads out of it", async () => {
  await using world = await World.make();
  for (const name of ["", ".", "..", "../outside", "a/b", "/etc", "a\0b"]) {
    await assert.rejects(world.held.readFile(name, { limitBytes: 1 }), (error) => hasCode(error, "internal"), name);
    await assert.rejects(world.held.remove(name), (error) => hasCode(error, "internal"), name);
  }
});

Deno.test("#7: HeldFolder lists no folder that somebody has filled with names", { ignore: !isLinux }, async () => {
  await using world = await World.make();
  const program = 'chdir $ARGV[0] or die $!; for (1..7000) { open(F, ">", "f" . "x" x 200 . $_) or die $!; close F }';
  await mustRun("perl", ["-e", program, `${world.root}/in`]);
  const { sizeBytes } = await world.held.info();
  assert.equal(await world.held.list() === undefined, sizeBytes > 1_048_576);
});

Deno.test("ensureFile() replaces what differs, and leaves a file alone that is as it should be", async () => {
  await using world = await World.make();
  const { held } = world;
  const path = `${world.root}/in/a`;
  await held.ensureFile("a", bytes("one"), { mode: 0o600 });
  const first = await Deno.stat(path);
  await held.ensureFile("a", bytes("one"), { mode: 0o600 });
  assert.equal((await Deno.stat(path)).ino, first.ino);
  await held.ensureFile("a", bytes("one"), { mode: 0o640 });
  assert.equal((await held.look("a"))?.mode, Deno.build.os === "windows" ? undefined : 0o640);
  await held.remove("a");
  await Deno.symlink(`${world.root}/outside/precious`, path);
  await held.ensureFile("a", bytes("two"), { mode: 0o600 });
  assert.equal(await Deno.readTextFile(path), "two");
  assert.equal(await Deno.readTextFile(`${world.root}/outside/precious`), "precious");
  await held.ensureFile("a", bytes(""), { mode: 0o600 });
  assert.deepEqual(await held.list(), ["a"]);
});
