import assert from "node:assert/strict";
import { type BuildArguments, readBuildArguments } from "../../../scripts/build/arguments.ts";

Deno.test("readBuildArguments() takes names of targets or --bundle-only, not both", () => {
  const table: [string[], Partial<BuildArguments> | undefined][] = [
    [[], {}],
    [["--bundle-only"], { bundleOnly: true }],
    [["linux/arm64", "linux/amd64", "linux/arm64"], { names: ["linux/arm64", "linux/amd64"] }],
    [["--update-key", "a", "--update-key=b"], { updateKeys: ["a", "b"] }],
    [["linux/arm64", "--sign-key", "k"], { names: ["linux/arm64"], signKey: "k" }],
    [["--bundle-only", "linux/arm64"], undefined],
    [["--docker", "--base-image", "x"], { isInDocker: true, baseImage: "x" }],
    [["--base-image", "x"], undefined],
    [["--docker-image", "a:1"], { image: { name: "a:1" } }],
    [["--docker-image", "a:1", "--image-base=b", "--image-packages="], {
      image: { name: "a:1", base: "b", packages: "" },
    }],
    [["--image-base", "b"], undefined],
    [["--image-packages", "jq"], undefined],
    [["--bundle"], undefined],
    [["--update-key"], undefined],
    [["-h"], undefined],
  ];
  for (const [args, wanted] of table) {
    const expected = wanted && { bundleOnly: false, names: [], updateKeys: [], isInDocker: false, ...wanted };
    assert.deepEqual(readBuildArguments(args), expected, args.join(" "));
  }
});
