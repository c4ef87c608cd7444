/** Tests that the places that name the version agree, and of the names of architectures. */

import assert from "node:assert/strict";
import { agentVersion, buildArch } from "../../lib/version.ts";
import project from "../../deno.json" with { type: "json" };
import channels from "../../availableVersions.json" with { type: "json" };

Deno.test("agentVersion is the version of the project and of every update channel", () => {
  assert.match(agentVersion, /^\d+\.\d+\.\d+$/);
  assert.equal(agentVersion, project.version);
  assert.deepEqual(channels, {
    production: agentVersion,
    test: agentVersion,
    local: agentVersion,
    all: agentVersion,
  });
});

Deno.test("buildArch() spells architectures as downloads do, for each target", async () => {
  assert.deepEqual(buildArch("x86_64"), { arch: "amd64", variant: "" });
  assert.deepEqual(buildArch("aarch64"), { arch: "arm64", variant: "" });
  assert.deepEqual(buildArch("riscv64"), { arch: "riscv64", variant: "" });
  const text = await Deno.readTextFile(new URL("../../targets", import.meta.url));
  const targets = text.trim().split("\n").filter((line) => !line.startsWith("#"));
  assert.equal(new Set(targets).size, 5);
  for (const target of targets) assert.match(target, /^(linux|windows|darwin)\/(amd64|arm64)$/);
});

Deno.test("buildArch() returns the running architecture when none is given", () => {
  assert.equal(buildArch().arch, buildArch(Deno.build.arch).arch);
});
