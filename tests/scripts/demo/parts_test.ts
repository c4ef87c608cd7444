import assert from "node:assert/strict";
import { argsOf, readPart } from "../../../scripts/demo/parts.ts";

Deno.test("readPart() knows the parts of the demo, and nothing else", () => {
  for (const part of ["app", "compose", "dev"] as const) assert.equal(readPart(argsOf(part)), part);
  for (const args of [["--help"], ["compose"], ["--compose", "--dev"], [""]]) assert.equal(readPart(args), undefined);
});
