import assert from "node:assert/strict";
import { AgentError } from "../../lib/base/errors.ts";
import { silentLog } from "../../lib/base/log.ts";
import { registerAll, type RegisterOptions } from "../../lib/handlers/register.ts";
import { table } from "../../lib/handlers/table.ts";
import { RemoteError } from "../../lib/wamp/session.ts";
import { FakeClock } from "../parts/fake_clock.ts";

function refusal(uri: string): RemoteError {
  return new RemoteError("registering", { uri, args: [], kwargs: {} });
}

/** Registers the table on a session that refuses what a test wants, and lets the waits pass. */
function begin(refuse: (name: string, attempt: number) => Error | undefined): {
  done: Promise<void>;
  tried: Map<string, number>;
  options: Record<string, unknown>[];
  clock: FakeClock;
  end: AbortController;
} {
  const tried = new Map<string, number>();
  const seen: Record<string, unknown>[] = [];
  const clock = new FakeClock();
  const end = new AbortController();
  const options: RegisterOptions = {
    serialNumber: "SN-1",
    handlerOf: () => () => Promise.resolve({}),
    clock,
    random: () => 0.5,
    log: silentLog,
    signal: end.signal,
  };
  const session = {
    register: (procedure: string, _handler: unknown, given: { forceReregister: boolean }) => {
      const attempt = (tried.get(procedure) ?? 0) + 1;
      tried.set(procedure, attempt);
      seen.push(given);
      const error = refuse(procedure.replace("re.mgmt.SN-1.", ""), attempt);
      return error === undefined ? Promise.resolve() : Promise.reject(error);
    },
  };
  return { done: registerAll(session, table, options), tried, options: seen, clock, end };
}

Deno.test("registerAll() registers every row by force, in the order of the table", async () => {
  const { done, tried, options } = begin(() => undefined);
  await done;
  assert.deepEqual([...tried.keys()], table.map((row) => `re.mgmt.SN-1.${row.name}`));
  assert.ok(options.every((given) => given["forceReregister"] === true));
});

Deno.test("registerAll() leaves a procedure that somebody else holds, and goes on", async () => {
  const { done, tried } = begin((name) =>
    name === "get_images" ? refusal("wamp.error.procedure_already_exists") : undefined
  );
  await done;
  assert.equal(tried.get("re.mgmt.SN-1.get_images"), 1);
  assert.equal(tried.size, 34);
});

Deno.test("registerAll() tries again until the router takes them, only those that are missing", async () => {
  const { done, tried, clock } = begin((name, attempt) => {
    if (name === "get_images" && attempt < 6) return refusal("wamp.error.not_authorized");
    return name === "execute_cmd" && attempt < 2 ? new AgentError("timeout", "no answer") : undefined;
  });
  let isDone = false;
  const noticed = done.then(() => isDone = true);
  const waits: number[] = [];
  while (!isDone) {
    waits.push(clock.nextInMs ?? 0);
    await clock.advance(clock.nextInMs ?? 0);
  }
  await noticed;
  assert.deepEqual(waits.slice(-5), [500, 2_000, 4_500, 8_000, 10_000]);
  assert.equal(tried.get("re.mgmt.SN-1.get_images"), 6);
  assert.equal(tried.get("re.mgmt.SN-1.execute_cmd"), 2);
  assert.equal(tried.get("re.mgmt.SN-1.get_tunnel_state"), 1);
});

Deno.test("registerAll() ends with the session, in a try and between two", async () => {
  const gone = begin(() => new AgentError("not_connected", "not connected"));
  await assert.rejects(gone.done, { code: "not_connected" });
  const waiting = begin(() => refusal("wamp.error.not_authorized"));
  await waiting.clock.untilSleeping();
  waiting.end.abort();
  await assert.rejects(waiting.done, { code: "canceled" });
});
