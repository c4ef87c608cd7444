import assert from "node:assert/strict";
import { platformOf } from "../../../scripts/build/base_executable.ts";

/** The start of a file with bytes at the given offsets. */
function head(...parts: [at: number, bytes: number[]][]): Uint8Array {
  const bytes = new Uint8Array(512);
  for (const [at, values] of parts) bytes.set(values, at);
  return bytes;
}

const elf = [0x7f, 0x45, 0x4c, 0x46];
const mach = [0xcf, 0xfa, 0xed, 0xfe];
const dos = [0x4d, 0x5a];

const table: { name: string; bytes: Uint8Array; platform: string | undefined }[] = [
  { name: "ELF for x86-64", bytes: head([0, [...elf, 2, 1]], [18, [0x3e, 0]]), platform: "linux/amd64" },
  { name: "ELF for 64-bit ARM", bytes: head([0, [...elf, 2, 1]], [18, [0xb7, 0]]), platform: "linux/arm64" },
  { name: "ELF for 32-bit ARM", bytes: head([0, [...elf, 1, 1]], [18, [0x28, 0]]), platform: undefined },
  { name: "ELF, big-endian", bytes: head([0, [...elf, 2, 2]], [18, [0, 0x3e]]), platform: undefined },
  { name: "Mach-O for x86-64", bytes: head([0, [...mach, 7, 0, 0, 1]]), platform: "darwin/amd64" },
  { name: "Mach-O for 64-bit ARM", bytes: head([0, [...mach, 12, 0, 0, 1]]), platform: "darwin/arm64" },
  {
    name: "PE for x86-64",
    bytes: head([0, dos], [0x3c, [0x80]], [0x80, [0x50, 0x45, 0, 0, 0x64, 0x86]]),
    platform: "windows/amd64",
  },
  {
    name: "PE for 64-bit ARM",
    bytes: head([0, dos], [0x3c, [0x80]], [0x80, [0x50, 0x45, 0, 0, 0x64, 0xaa]]),
    platform: undefined,
  },
  { name: "PE that points outside", bytes: head([0, dos], [0x3c, [0xff, 0xff, 0xff, 0xff]]), platform: undefined },
  { name: "a script", bytes: new TextEncoder().encode("#!/bin/sh\n".padEnd(512)), platform: undefined },
  { name: "a truncated ELF", bytes: head([0, [...elf, 2, 1]], [18, [0x3e, 0]]).subarray(0, 20), platform: undefined },
  { name: "nothing", bytes: new Uint8Array(), platform: undefined },
];

for (const { name, bytes, platform } of table) {
  Deno.test(`platformOf() recognises ${name} as ${platform ?? "unknown"}`, () => {
    assert.equal(platformOf(bytes), platform);
  });
}

Deno.test("platformOf() recognises the runtime that runs this test", async () => {
  using file = await Deno.open(Deno.execPath());
  const bytes = new Uint8Array(4_096);
  await file.read(bytes);
  const os = Deno.build.os;
  const arch = Deno.build.arch === "x86_64" ? "amd64" : "arm64";
  assert.equal(platformOf(bytes), `${os}/${arch}`);
});
