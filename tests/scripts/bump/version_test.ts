import assert from "node:assert/strict";
import {
  isReleaseVersion,
  raiseVersion,
  readProjectVersion,
  replaceChannels,
  replaceProjectVersion,
} from "../../../scripts/bump/version.ts";

Deno.test("raiseVersion() raises one number and sets those after it to 0", () => {
  const table = [["0.21.9", "patch", "0.21.10"], ["0.21.9", "minor", "0.22.0"], ["0.21.9", "major", "1.0.0"]] as const;
  for (const [version, part, expected] of table) assert.equal(raiseVersion(version, part), expected);
});

for (
  const text of ["", "1", "1.2", "1.2.3.4", "v1.2.3", "01.2.3", "1.2.3-rc.1", "1.2.3\n", "1.2.x", "latest", "-1.2.3"]
) {
  Deno.test(`${JSON.stringify(text)} is not the version of a release`, () => {
    assert.equal(isReleaseVersion(text), false);
    assert.throws(() => raiseVersion(text, "patch"), { message: /^Cannot raise version/ });
    assert.throws(() => readProjectVersion(JSON.stringify({ version: text })), { message: /^Cannot read deno\.json/ });
    assert.throws(() => replaceChannels(JSON.stringify({ all: text }), "1.0.0"), { message: /"all" must be MAJOR/ });
  });
}

Deno.test("replaceProjectVersion() changes nothing but the version", () => {
  const text = '{\n  "name": "x",\n  "version": "1.2.3", // kept\n  "other": "1.2.3"\n}\n'.replace(" // kept", "");
  assert.equal(replaceProjectVersion(text, "1.2.4"), text.replace('"version": "1.2.3"', '"version": "1.2.4"'));
});

Deno.test("replaceChannels() sets every channel, in their order", () => {
  const text = '{ "production": "1.2.3",\n"beta": "1.0.0" }';
  assert.equal(replaceChannels(text, "1.3.0"), '{ "production": "1.3.0", "beta": "1.3.0" }\n');
  for (const wrong of ["", "[]", "{}", "null", '{"all":1}', "<html>"]) {
    assert.throws(() => replaceChannels(wrong, "1.0.0"));
  }
});
