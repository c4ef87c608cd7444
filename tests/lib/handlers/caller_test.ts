/** Tests of who a call counts as. */

import assert from "node:assert/strict";
import { effectiveCaller, isBackend, unnamedAccount } from "../../../lib/handlers/caller.ts";

const key = "requestor_account_key";

Deno.test("effectiveCaller() lets the backend act for the account it names", () => {
  const cases: [authid: string | undefined, value: unknown, expected: string | undefined][] = [
    ["system", 77, "77"],
    ["system", "77", "77"],
    ["system", "0077", "77"],
    ["system", 77.0, "77"],
    ["system", 2 ** 53 - 1, String(2 ** 53 - 1)],
    ["88", 77, "88"],
    ["System", 77, "System"],
    [undefined, 77, undefined],
  ];
  for (const [authid, value, expected] of cases) {
    const call = { args: [], kwargs: { [key]: value } };
    assert.equal(effectiveCaller(authid, call), expected, `${authid} for ${String(value)}`);
  }
});

Deno.test("effectiveCaller() is nobody when the backend names no account", () => {
  const values = [
    undefined,
    null,
    0,
    -5,
    7.5,
    1e300,
    Number.NaN,
    "",
    "0",
    "-5",
    "7.5",
    " 77",
    "1e6",
    "12-345",
    "system",
  ];
  for (const value of [...values, "9".repeat(400), "9".repeat(1_000_000), true, [77], { key: 77 }]) {
    const kwargs = { [key]: value };
    assert.equal(
      effectiveCaller("system", { args: [{ [key]: 77 }], kwargs }),
      unnamedAccount,
      String(value).slice(0, 20),
    );
  }
});

Deno.test("effectiveCaller() reads the first positional dict only if the keyword arguments lack the key", () => {
  assert.equal(effectiveCaller("system", { args: [{ [key]: 77 }], kwargs: {} }), "77");
  assert.equal(effectiveCaller("system", { args: [{ [key]: 77 }], kwargs: { [key]: 78 } }), "78");
  assert.equal(effectiveCaller("system", { args: [{}, { [key]: 77 }], kwargs: {} }), "system");
  assert.equal(effectiveCaller("system", { args: [], kwargs: {} }), "system");
  assert.equal(effectiveCaller("system", { args: [[{ [key]: 77 }]], kwargs: {} }), "system");
});

Deno.test("isBackend() goes by role, or by name where there is no such role", () => {
  assert.ok(isBackend({ callerAuthid: "studio-1", callerAuthrole: "system" }));
  assert.ok(isBackend({ callerAuthid: "system", callerAuthrole: undefined }));
  for (const callerAuthid of ["77", "12-345", "System", "", undefined]) {
    for (const callerAuthrole of ["account", "System", "device", "", undefined]) {
      assert.ok(!isBackend({ callerAuthid, callerAuthrole }), `${callerAuthid} as ${callerAuthrole}`);
    }
  }
});
