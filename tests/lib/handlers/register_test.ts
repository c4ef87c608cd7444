import assert from "node:assert/strict";
import { AgentError } from "../../../lib/base/errors.ts";
import { silentLog } from "../../../lib/base/log.ts";
import { registerProcedures } from "../../../lib/handlers/register.ts";
import type { ProcedureRow } from "../../../lib/handlers/procedure.ts";
import { procedures } from "../../../lib/handlers/procedures.ts";
import { RemoteError } from "../../../lib/wamp/remote_error.ts";

function refusal(uri: string): RemoteError {
  return new RemoteError("registering", { uri, args: [], kwargs: {} });
}

/** Registers the table on a session that refuses what a test wants. */
function begin(refuse: (name: string) => Error | undefined): {
  missing: Promise<ProcedureRow[]>;
  tried: string[];
  options: Record<string, unknown>[];
} {
  const tried: string[] = [];
  const seen: Record<string, unknown>[] = [];
  const session = {
    register: (procedure: string, _handler: unknown, given: { forceReregister: boolean }) => {
      tried.push(procedure);
      seen.push(given);
      const error = refuse(procedure.replace("re.mgmt.SN-1.", ""));
      return error === undefined ? Promise.resolve() : Promise.reject(error);
    },
  };
  const options = { serialNumber: "SN-1", handlerOf: () => () => Promise.resolve({}), log: silentLog };
  return { missing: registerProcedures(session, procedures, options), tried, options: seen };
}

Deno.test("registerProcedures() registers every row with force, in the order of the table", async () => {
  const { missing, tried, options } = begin(() => undefined);
  assert.deepEqual(await missing, []);
  assert.deepEqual(tried, procedures.map((row) => `re.mgmt.SN-1.${row.name}`));
  assert.equal(tried.length, 34);
  assert.ok(options.every((given) => given["forceReregister"] === true));
});

Deno.test("registerProcedures() leaves a procedure that another client holds, and goes on", async () => {
  const { missing, tried } = begin((name) =>
    name === "get_images" ? refusal("wamp.error.procedure_already_exists") : undefined
  );
  assert.deepEqual(await missing, []);
  assert.equal(tried.length, 34);
});

Deno.test("registerProcedures() returns the rows that were refused, so that only those are tried again", async () => {
  const { missing, tried } = begin((name) => {
    if (name === "get_images") return refusal("wamp.error.not_authorized");
    return name === "write_data" ? new AgentError("timeout", "no answer") : undefined;
  });
  assert.deepEqual((await missing).map(({ name }) => name), ["write_data", "get_images"]);
  assert.equal(tried.length, 34);
});

Deno.test("registerProcedures() ends with the session", async () => {
  const { missing } = begin(() => new AgentError("not_connected", "not connected"));
  await assert.rejects(missing, { code: "not_connected" });
});
