import assert from "node:assert/strict";
import { readTargets } from "../../../scripts/build/target.ts";

Deno.test("readTargets() returns the runtime's name and a file name for each line, with any line ends", () => {
  const expected = [
    { name: "linux/amd64", triple: "x86_64-unknown-linux-gnu", file: "reagent-linux-amd64" },
    { name: "windows/amd64", triple: "x86_64-pc-windows-msvc", file: "reagent-windows-amd64.exe" },
  ];
  for (
    const text of [
      "linux/amd64\nwindows/amd64",
      "linux/amd64\n\nwindows/amd64\n",
      "# os/arch\nlinux/amd64\n  # linux/arm64\nwindows/amd64\n",
      "linux/amd64\r\nwindows/amd64\r\n",
    ]
  ) {
    assert.deepEqual(readTargets(text), expected);
  }
  assert.deepEqual(readTargets(""), []);
});

Deno.test("readTargets() reads the project's own targets", async () => {
  const names = readTargets(await Deno.readTextFile(new URL("../../../targets", import.meta.url))).map(({ name }) =>
    name
  );
  assert.ok(names.includes("linux/amd64") && names.includes("linux/arm64"), names.join(" "));
});

for (const line of ["linux/arm/7", "linux", "linux/amd64/", "toString", "Linux/amd64", "../amd64"]) {
  Deno.test(`readTargets() refuses "${line}"`, () => {
    const text = `Cannot read targets: line 2 is "${line}", the runtime supports linux/amd64, `;
    assert.throws(() => readTargets(`linux/arm64\n${line}\n`), (error: Error) => error.message.startsWith(text));
  });
}

Deno.test("readTargets() refuses a target that is listed twice", () => {
  const message = `Cannot read targets: "linux/amd64" is listed twice`;
  assert.throws(() => readTargets("linux/amd64\nlinux/amd64\n"), { message });
});
