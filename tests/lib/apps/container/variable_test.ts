import assert from "node:assert/strict";
import { containerEnv, isVariableName, type Variable } from "../../../../lib/apps/container/variable.ts";

Deno.test("isVariableName() accepts what can be the name of a file and a variable", () => {
  assert.ok(isVariableName("n".repeat(251)));
  assert.ok(!isVariableName("n".repeat(252)));
  assert.ok(isVariableName("ü".repeat(125)));
  assert.ok(!isVariableName("ü".repeat(126)));
  for (const name of ["A", "..", "a b", "a-b", "Größe", "%", "__proto__"]) assert.ok(isVariableName(name), name);
});

Deno.test("M39: containerEnv() leaves out variables of more than 20480 bytes", () => {
  const variable = (value: string): Variable => ({ name: "LONG", value });
  assert.deepEqual(containerEnv([variable("a".repeat(20_475))]).map((text) => text.length), [20_480]);
  assert.deepEqual(containerEnv([variable("a".repeat(20_476))]), []);
  assert.deepEqual(containerEnv([variable("ü".repeat(10_238))]), []);
  assert.deepEqual(containerEnv([{ name: "A", value: "b=c" }, variable("ü".repeat(10_237))])[0], "A=b=c");
});
