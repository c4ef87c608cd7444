import assert from "node:assert/strict";
import { AgentError } from "../../../lib/base/errors.ts";
import { authorize, type CheckedCaller, type Guarded, type PrivilegeCheck } from "../../../lib/handlers/authorize.ts";
import { createBackend } from "../../../lib/backend/backend.ts";
import { offlineWire } from "../../../lib/wamp/wire.ts";
import { never } from "../../fakes/fake_handler_device.ts";

const account77: CheckedCaller = { callerAuthid: "77", callerAuthrole: "account", effective: "77" };

const guarded: Guarded = { privilege: "MAINTAIN", deniedText: "insufficient privileges to prune images" };

/** Authorises one caller and gives the questions that were asked. */
async function ask(
  caller: string | undefined,
  options: { role?: string; answer?: unknown; guarded?: Guarded } = {},
): Promise<unknown[]> {
  const questions: unknown[] = [];
  const check: PrivilegeCheck = (question) => {
    questions.push(question);
    const answer = "answer" in options ? options.answer : true;
    return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
  };
  const who: CheckedCaller = { callerAuthid: caller, callerAuthrole: options.role, effective: caller };
  await authorize(options.guarded ?? guarded, who, { check, signal: never });
  return questions;
}

Deno.test("neither the trusted caller nor a procedure open to the router is checked with Studio", async () => {
  assert.deepEqual(await ask("system", { answer: false }), []);
  for (const caller of ["77", "nobody", "", undefined]) {
    assert.deepEqual(await ask(caller, { answer: false, guarded: { privilege: "router", deniedText: "" } }), []);
  }
});

Deno.test("Studio is asked about the account and the procedure's privilege", async () => {
  assert.deepEqual(await ask("77"), [{ privilege: "MAINTAIN", requestor: 77 }]);
  assert.deepEqual(await ask("77", { role: "system" }), [{ privilege: "MAINTAIN", requestor: 77 }]);
});

Deno.test("an account without the privilege gets the procedure's text", async () => {
  await assert.rejects(ask("77", { answer: false }), { code: "denied", message: guarded.deniedText });
});

Deno.test("a caller that is no account is refused without a question to Studio", async () => {
  const failing = new Error("Studio was asked");
  for (
    const caller of ["12-345", "", undefined, "7 7", "0x10", "0", "-5", "a\n\u0000", "9".repeat(20), "unnamed-account"]
  ) {
    const refused = { code: "denied", message: guarded.deniedText };
    await assert.rejects(ask(caller, { answer: failing }), refused, caller);
  }
});

Deno.test("#2: a procedure of the backend is refused to everybody else, whatever account they name or hold", async () => {
  const backendOnly: Guarded = { privilege: "backend", deniedText: "insufficient privileges" };
  const refused = { code: "denied", message: "insufficient privileges" };
  for (const caller of ["77", "12-345", "system ", "", undefined]) {
    await assert.rejects(ask(caller, { guarded: backendOnly, role: "account" }), refused, caller);
    await assert.rejects(ask(caller, { guarded: backendOnly }), refused, caller);
    assert.deepEqual(await ask(caller, { guarded: backendOnly, role: "system" }), []);
  }
  assert.deepEqual(await ask("system", { guarded: backendOnly }), []);
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
  await assert.rejects(ask("77", { answer: false, guarded: query }), { message: guarded.deniedText });
});

Deno.test("an answer without arguments is a failed check", async () => {
  const backend = createBackend(offlineWire(), () => ({ deviceKey: 1, swarmKey: 2, serialNumber: "SN-1" }));
  const check: PrivilegeCheck = (question, signal) => backend.checkPrivilege(question, signal);
  const options = { check, signal: never };
  await assert.rejects(authorize(guarded, account77, options), { message: "type of argument is not bool" });
});

Deno.test("a canceled call ends the check", async () => {
  const controller = new AbortController();
  const check: PrivilegeCheck = (_question, signal) =>
    new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
  const authorized = authorize(guarded, account77, { check, signal: controller.signal });
  controller.abort();
  await assert.rejects(authorized, { code: "privilege_check_failed" });
});
