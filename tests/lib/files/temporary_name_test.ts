import assert from "node:assert/strict";
import { parseTemporaryName, temporaryName } from "../../../lib/files/temporary_name.ts";

Deno.test("parseTemporaryName() recognizes the names of this process and of others", () => {
  assert.deepEqual(parseTemporaryName(temporaryName(".file."), ".file."), { isOwn: true });
  assert.deepEqual(parseTemporaryName(".file.1-1700000000000-0a1b2c3d.tmp", ".file."), { isOwn: false });
});

Deno.test("parseTemporaryName() recognizes nothing else", () => {
  const others = [
    "file",
    ".file.tmp",
    ".file.mine.tmp",
    ".other.1-1700000000000-0a1b2c3d.tmp",
    ".file.1-1-0a1b2c3d.tmp~",
  ];
  for (const name of others) assert.equal(parseTemporaryName(name, ".file."), undefined, name);
});

Deno.test("temporaryName() never returns the same name twice", () => {
  const names = Array.from({ length: 100 }, () => temporaryName("."));
  assert.equal(new Set(names).size, names.length);
});
