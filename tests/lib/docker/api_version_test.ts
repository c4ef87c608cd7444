import assert from "node:assert/strict";
import { firstVersion, nearestVersion, refusesVersion } from "../../../lib/docker/api_version.ts";

const first: { wanted: string | undefined; version: string | undefined; isWarned: boolean }[] = [
  { wanted: undefined, version: undefined, isWarned: false },
  { wanted: "", version: undefined, isWarned: false },
  { wanted: "  ", version: undefined, isWarned: false },
  { wanted: "1.41", version: "1.41", isWarned: false },
  { wanted: "v1.45", version: "1.45", isWarned: false },
  { wanted: " 1.45\n", version: "1.45", isWarned: false },
  { wanted: "1.99", version: "1.99", isWarned: false },
  { wanted: "1.31", version: "1.31", isWarned: false },
  { wanted: "1.30", version: "1.31", isWarned: true },
  { wanted: "1.9", version: "1.31", isWarned: true },
  { wanted: "0.1", version: "1.31", isWarned: true },
  { wanted: "1", version: undefined, isWarned: true },
  { wanted: "1.45.0", version: undefined, isWarned: true },
  { wanted: "latest", version: undefined, isWarned: true },
  { wanted: "1.45/../x", version: undefined, isWarned: true },
  { wanted: "-1.45", version: undefined, isWarned: true },
  { wanted: `1.${"9".repeat(5_000)}`, version: undefined, isWarned: true },
];

for (const { wanted, version, isWarned } of first) {
  Deno.test(`#16: firstVersion() of ${JSON.stringify(wanted)?.slice(0, 40)} is ${version ?? "the engine's own"}`, () => {
    const choice = firstVersion(wanted);
    assert.equal(choice.version, version);
    assert.equal(choice.warning !== undefined, isWarned);
    assert.ok((choice.warning ?? "").length < 200);
  });
}

const nearest: [name: string, given: Parameters<typeof nearestVersion>, expected: string | undefined][] = [
  ["too new", ["1.99", { oldest: "1.24", newest: "1.45" }], "1.45"],
  ["too old", ["1.31", { oldest: "1.44", newest: "1.51" }], "1.44"],
  ["by number, not by text", ["1.100", { oldest: "1.24", newest: "1.45" }], "1.45"],
  ["of another major version", ["2.0", { oldest: "1.24", newest: "1.45" }], "1.45"],
  ["refused although within", ["1.40", { oldest: "1.24", newest: "1.45" }], undefined],
  ["unknown to an engine that says nothing", ["1.99", { oldest: undefined, newest: undefined }], undefined],
];

for (const [name, given, expected] of nearest) {
  Deno.test(`#16: nearestVersion() of a version ${name} is ${expected ?? "the engine's own"}`, () => {
    const { version, warning } = nearestVersion(...given);
    assert.equal(version, expected);
    assert.match(warning ?? "", new RegExp(`does not take version ${given[0]} of its API`));
  });
}

Deno.test("#16: refusesVersion() knows the texts of engines", () => {
  assert.ok(refusesVersion("client version 1.99 is too new. Maximum supported API version is 1.45"));
  assert.ok(refusesVersion("client version 1.20 is too old. Minimum supported API version is 1.24, please upgrade"));
  assert.ok(!refusesVersion("No such image: too new"));
});
