import assert from "node:assert/strict";
import { readOwnLogQuery } from "../../../lib/handlers/log_arguments.ts";

Deno.test("readOwnLogQuery() takes a level too long to be one for an unknown one", () => {
  assert.equal(readOwnLogQuery({ level: "x".repeat(1_000_000) }, 0).level, "info");
  assert.equal(readOwnLogQuery({ level: " warn " }, 0).level, "warn");
});
