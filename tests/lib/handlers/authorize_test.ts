import assert from "node:assert/strict";
import { AgentError } from "../../../lib/base/errors.ts";
import { authorize, effectiveCaller, type Guarded, type PrivilegeCheck } from "../../../lib/handlers/authorize.ts";
import { createBackend } from "../../../lib/backend/backend.ts";
import { offlineWire } from "../../../lib/wamp/wire.ts";
import { never } from "../../fakes/fake_handler_device.ts";

const guarded: Guarded = { privilege: "MAINTAIN", deniedText: "insufficient privileges to prune images" };

/** Authorises one caller and gives the questions that were asked. */
async function ask(
  caller: string | undefined,
  options: { answer?: unknown; guarded?: Guarded } = {},
): Promise<unknown[]> {
  const questions: unknown[] = [];
  const check: PrivilegeCheck = (question) => {
    questions.push(question);
    const answer = "answer" in options ? options.answer : true;
    return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
  };
  await authorize(options.guarded ?? guarded, caller, { check, signal: never });
  return questions;
}

Deno.test("effectiveCaller() lets the trusted caller act for the account it names", () => {
  const cases: [string | undefined, unknown, string | undefined][] = [
    ["system", 77, "77"],
    ["system", "77", "77"],
    ["system", "+77", "+77"],
    ["system", -5, "-5"],
    ["system", 0, "0"],
    ["system", undefined, "system"],
    ["system", null, "system"],
    ["system", "", "system"],
    ["system", "12-345", "system"],
    ["system", "7.5", "system"],
    ["system", " 77", "system"],
    ["system", 7.5, "system"],
    ["system", 1e300, "system"],
    ["system", "9".repeat(400), "system"],
    ["system", true, "system"],
    ["system", [77], "system"],
    ["system", { key: 77 }, "system"],
    ["88", 77, "88"],
    ["System", 77, "System"],
    [undefined, 77, undefined],
  ];
  for (const [authid, key, expected] of cases) {
    assert.equal(effectiveCaller(authid, { requestor_account_key: key }), expected, `${authid} for ${String(key)}`);
  }
  assert.equal(effectiveCaller("system", {}), "system");
});

Deno.test("neither the trusted caller nor a procedure open to the router is checked with Studio", async () => {
  assert.deepEqual(await ask("system", { answer: false }), []);
  for (const caller of ["77", "nobody", "", undefined]) {
    assert.deepEqual(await ask(caller, { answer: false, guarded: { privilege: "router", deniedText: "" } }), []);
  }
});

Deno.test("Studio is asked about the account and the procedure's privilege", async () => {
  assert.deepEqual(await ask("77"), [{ privilege: "MAINTAIN", requestor: 77 }]);
  assert.deepEqual(await ask("-5"), [{ privilege: "MAINTAIN", requestor: -5 }]);
});

Deno.test("an account without the privilege gets the procedure's text", async () => {
  await assert.rejects(ask("77", { answer: false }), { code: "denied", message: guarded.deniedText });
});

Deno.test("a caller that is no account is refused without a question to Studio", async () => {
  const cases: [string | undefined, string][] = [
    ["12-345", 'strconv.Atoi: parsing "12-345": invalid syntax'],
    ["", 'strconv.Atoi: parsing "": invalid syntax'],
    [undefined, 'strconv.Atoi: parsing "<nil>": invalid syntax'],
    ["7 7", 'strconv.Atoi: parsing "7 7": invalid syntax'],
    ["0x10", 'strconv.Atoi: parsing "0x10": invalid syntax'],
    ["a\n\u0000", 'strconv.Atoi: parsing "a\\n\\u0000": invalid syntax'],
    ["99999999999999999999", 'strconv.Atoi: parsing "99999999999999999999": value out of range'],
  ];
  for (const [caller, message] of cases) {
    await assert.rejects(ask(caller, { answer: false }), { code: "privilege_check_failed", message });
  }
  await assert.rejects(ask("x".repeat(1_000_000)), (error: Error) => error.message.length < 300);
});

Deno.test("a failed check does not read like a denial", async () => {
  const failure = new AgentError("call_failed", "calling remote procedure 'x': wamp.error.no_such_procedure");
  await assert.rejects(ask("77", { answer: failure }), { code: "privilege_check_failed", message: failure.message });
  for (const answer of [undefined, null, 1, "true", {}, []]) {
    const expected = { code: "privilege_check_failed", message: "type of argument is not bool" };
    await assert.rejects(ask("77", { answer }), expected);
  }
});

Deno.test("log queries prefix the cause of a failed check", async () => {
  const query = { ...guarded, failedCheckPrefix: "could not verify privileges: " };
  await assert.rejects(ask("77", { answer: new Error("no answer"), guarded: query }), {
    message: "could not verify privileges: no answer",
  });
  await assert.rejects(ask("me", { guarded: query }), {
    message: 'could not verify privileges: strconv.Atoi: parsing "me": invalid syntax',
  });
  await assert.rejects(ask("77", { answer: false, guarded: query }), { message: guarded.deniedText });
});

Deno.test("an answer without arguments is a failed check", async () => {
  const backend = createBackend(offlineWire(), () => ({ deviceKey: 1, swarmKey: 2, serialNumber: "SN-1" }));
  const check: PrivilegeCheck = (question, signal) => backend.checkPrivilege(question, signal);
  const options = { check, signal: never };
  await assert.rejects(authorize(guarded, "77", options), { message: "type of argument is not bool" });
});

Deno.test("a canceled call ends the check", async () => {
  const controller = new AbortController();
  const check: PrivilegeCheck = (_question, signal) =>
    new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
  const authorized = authorize(guarded, "77", { check, signal: controller.signal });
  controller.abort();
  await assert.rejects(authorized, { code: "privilege_check_failed" });
});
