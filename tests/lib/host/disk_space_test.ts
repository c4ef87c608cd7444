import assert from "node:assert/strict";
import { readFreeBytes } from "../../../lib/host/disk_space.ts";

Deno.test("readFreeBytes() returns what df calls available", async () => {
  const folder = await Deno.makeTempDir();
  const df = await new Deno.Command("df", { args: ["-B1", "--output=avail", folder] }).output();
  const available = Number(new TextDecoder().decode(df.stdout).trim().split("\n")[1]);
  const free = await readFreeBytes(folder);
  assert.ok(free !== undefined && Math.abs(free - available) < 1e9, `${free} against ${available}`);
  await Deno.remove(folder);
});

Deno.test("readFreeBytes() of a path that does not exist is undefined", async () => {
  assert.equal(await readFreeBytes("/no/such/folder"), undefined);
});
