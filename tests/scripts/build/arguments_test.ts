import assert from "node:assert/strict";
import { type BuildArguments, readBuildArguments } from "../../../scripts/build/arguments.ts";

Deno.test("readBuildArguments() takes names of targets or --bundle-only, not both", () => {
  const table: [string[], BuildArguments | undefined][] = [
    [[], { bundleOnly: false, names: [] }],
    [["--bundle-only"], { bundleOnly: true, names: [] }],
    [["linux/arm64", "linux/amd64", "linux/arm64"], { bundleOnly: false, names: ["linux/arm64", "linux/amd64"] }],
    [["--bundle-only", "linux/arm64"], undefined],
    [["--bundle"], undefined],
    [["-h"], undefined],
  ];
  for (const [args, wanted] of table) assert.deepEqual(readBuildArguments(args), wanted, args.join(" "));
});
