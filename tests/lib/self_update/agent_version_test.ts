import assert from "node:assert/strict";
import { compareAgentVersions, isAgentVersion, isUpdate } from "../../../lib/self_update/agent_version.ts";

Deno.test("isUpdate() takes what is newer, and pre-releases only on a pre-release", () => {
  const cases: [latest: string, current: string, expected: boolean][] = [
    ["0.20.21", "0.20.20", true],
    ["0.21", "0.20.20", true],
    ["1", "0.20.20", true],
    ["v0.21.0", "0.20.20", true],
    ["0.20.100", "0.20.20", true],
    ["0.20.20", "0.20.20", false],
    ["0.20", "0.20.0", false],
    ["0.20.9", "0.20.20", false],
    ["0.20.20+build.7", "0.20.20", false],
    ["0.21.0-rc.1", "0.20.20", false],
    ["0.21.0-rc.2", "0.21.0-rc.1", true],
    ["0.21.0-rc.10", "0.21.0-rc.9", true],
    ["0.21.0-rc", "0.21.0-1", true],
    ["0.21.0-rc.1.1", "0.21.0-rc.1", true],
    ["0.21.0", "0.21.0-rc.1", true],
    ["0.21.0-rc.1", "0.21.0", false],
  ];
  for (const [latest, current, expected] of cases) {
    assert.equal(isUpdate(latest, current), expected, `${latest} ${current}`);
  }
});

Deno.test("isUpdate() throws for what is no version, whichever it is", () => {
  for (const bad of ["", "latest", "1.2.3.4", "1..2", "../../etc", "1.2.3/x", "-1", "1.2.3-", "1.2.3 ", "9999999999"]) {
    const expected = { code: "protocol_error", message: /Cannot read version: got / };
    assert.throws(() => isUpdate(bad, "0.20.20"), expected, bad);
    assert.throws(() => isUpdate("0.20.20", bad), expected, bad);
    assert.equal(isAgentVersion(bad), false);
  }
});

Deno.test("compareAgentVersions() is an order", () => {
  const sorted = ["0.9", "0.20.9", "0.21.0-1", "0.21.0-a", "0.21.0-a.1", "0.21.0-b", "0.21.0", "1"];
  for (const [index, version] of sorted.entries()) {
    for (const [other, second] of sorted.entries()) {
      assert.equal(Math.sign(compareAgentVersions(version, second)), Math.sign(index - other), `${version} ${second}`);
    }
  }
});
