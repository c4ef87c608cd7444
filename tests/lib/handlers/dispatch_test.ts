import assert from "node:assert/strict";
import { AgentError } from "../../../lib/base/errors.ts";
import { type LogFields, silentLog } from "../../../lib/base/log.ts";
import { createHandler, openCallLimit } from "../../../lib/handlers/dispatch.ts";
import { type ProcedureRow, working } from "../../../lib/handlers/procedure.ts";
import { procedures } from "../../../lib/handlers/procedures.ts";
import type { Invocation, Reply } from "../../../lib/wamp/invocations.ts";
import { FakeClock } from "../../fakes/fake_clock.ts";
import { fakeDevice, never } from "../../fakes/fake_handler_device.ts";

/** Calls a row as a session would. */
function call(row: ProcedureRow, change: Partial<Invocation> = {}, device = fakeDevice()): Promise<Reply> {
  const invocation = {
    procedure: row.name,
    args: [],
    kwargs: {},
    callerAuthid: "system",
    callerAuthrole: undefined,
    signal: never,
    ...change,
  };
  return createHandler(row, { device, clock: new FakeClock(), life: never })(invocation);
}

function createRow(run: (signal: AbortSignal) => Promise<Reply>, limitMs = 10_000): ProcedureRow {
  return working({
    name: "test",
    privilege: "READ",
    deniedText: "insufficient privileges to test",
    args: "none",
    result: "empty",
    limitMs,
    decode: () => {},
    run: (_device, _input, { signal }) => run(signal),
  });
}

Deno.test("a caller without the privilege is refused before anything is decoded or done", async () => {
  const device = fakeDevice({ checkPrivilege: () => Promise.resolve(false) });
  for (const row of procedures.filter(({ privilege }) => privilege !== "router")) {
    for (const args of [[], [null], [{ all: "x" }], [{ containerName: 5 }]]) {
      const refusal = { code: "denied", message: row.deniedText };
      await assert.rejects(call(row, { args, callerAuthid: "77" }, device), refusal, row.name);
    }
  }
});

Deno.test("Studio is asked about the account that the trusted caller names", async () => {
  const asked: unknown[] = [];
  const device = fakeDevice({
    checkPrivilege: (question) => {
      asked.push(question);
      return Promise.resolve(true);
    },
  });
  const row = createRow(() => Promise.resolve({}));
  await call(row, { kwargs: { requestor_account_key: "77" } }, device);
  await call(row, { args: [{ requestor_account_key: 78 }] }, device);
  await call(row, { callerAuthid: "79", kwargs: { requestor_account_key: 80 } }, device);
  assert.deepEqual(asked, [77, 78, 79].map((requestor) => ({ privilege: "READ", requestor })));
  const refused = { code: "denied", message: row.deniedText };
  await assert.rejects(call(row, { kwargs: { requestor_account_key: null } }, device), refused);
  assert.equal(asked.length, 3, "nobody has a privilege, and Studio is not asked");
});

Deno.test("change 1.6: what a handler throws on purpose is the answer, and anything else is only in the log", async () => {
  const cases: [unknown, string, string][] = [
    [new AgentError("bad_request", "first param should be a dict"), "bad_request", "first param should be a dict"],
    [
      new AgentError("engine_failed", "Cannot list images", { cause: new Error("no such host") }),
      "engine_failed",
      "Cannot list images: no such host",
    ],
    [new TypeError("x is undefined"), "internal", "the device failed to handle the call"],
    [new Deno.errors.NotFound("/etc/shadow"), "internal", "the device failed to handle the call"],
    ["a text", "internal", "the device failed to handle the call"],
    [{ odd: 1 }, "internal", "the device failed to handle the call"],
    [undefined, "internal", "the device failed to handle the call"],
  ];
  for (const [thrown, code, message] of cases) {
    const logged: unknown[] = [];
    const log = { ...silentLog, warn: (_text: string, fields: LogFields = {}) => void logged.push(fields.error) };
    const row = createRow(() => Promise.reject(thrown));
    await assert.rejects(call(row, {}, fakeDevice({ log })), { code, message });
    assert.deepEqual(logged, [thrown]);
  }
});

Deno.test("a very long error text is shortened", async () => {
  const failing = createRow(() => Promise.reject(new AgentError("io_failed", "x".repeat(1_000_000))));
  await assert.rejects(call(failing), (error: Error) => error.message.length === 4_001);
});

Deno.test("a handler that hangs is abandoned after its limit, and the caller learns why", async () => {
  let told = false;
  const row = createRow((signal) => {
    signal.addEventListener("abort", () => told = true);
    return new Promise(() => {});
  }, 1);
  await assert.rejects(call(row), { code: "timeout", message: 'The procedure "test" took longer than 1 ms' });
  assert.equal(told, true);
});

Deno.test("a canceled call ends the work", async () => {
  const controller = new AbortController();
  const row = createRow((signal) => new FakeClock().sleep(1_000, signal).then(() => ({})));
  const answered = call(row, { signal: controller.signal });
  controller.abort();
  await assert.rejects(answered, { code: "canceled" });
});

Deno.test("#4: a caller with too many open calls is refused, and another is not", async () => {
  const { promise: end, resolve } = Promise.withResolvers<Reply>();
  const row = createRow(() => end);
  const handler = createHandler(row, { device: fakeDevice(), clock: new FakeClock(), life: never });
  const invocation = { procedure: row.name, args: [], kwargs: {}, callerAuthrole: undefined, signal: never };
  const open = Array.from({ length: openCallLimit }, () => handler({ ...invocation, callerAuthid: "77" }));
  const refusal = { code: "busy", message: "too many calls of this procedure at once" };
  await assert.rejects(handler({ ...invocation, callerAuthid: "77" }), refusal);
  const other = handler({ ...invocation, callerAuthid: "78" });
  resolve({ args: [1] });
  await Promise.all(open);
  assert.deepEqual(await other, { args: [1] });
  assert.deepEqual(await handler({ ...invocation, callerAuthid: "77" }), { args: [1] });
});

Deno.test("calls of one upload are worked on in the order of their arrival, however long their callers are checked", async () => {
  const order: unknown[] = [];
  const checks: (() => void)[] = [];
  const device = fakeDevice({
    checkPrivilege: () => new Promise((resolve) => checks.push(() => resolve(true))),
    apps: { writeData: ({ chunk }) => Promise.resolve(void order.push(chunk)) },
  });
  const row = procedures.find(({ name }) => name === "write_data");
  assert.ok(row);
  const handler = createHandler(row, { device, clock: new FakeClock(), life: never });
  const write = (chunk: string, containerName: string) => {
    const args = [chunk, "x.tgz", containerName, 9, "id"];
    const call = {
      procedure: row.name,
      args,
      kwargs: {},
      callerAuthid: "77",
      callerAuthrole: undefined,
      signal: never,
    };
    return handler(call);
  };
  const calls = [write("01", "dev_1_x"), write("02", "dev_1_x"), write("03", "dev_2_y")];
  while (checks.length < 3) await Promise.resolve();
  checks[1]?.();
  checks[2]?.();
  await calls[2];
  assert.deepEqual(order, ["03"]);
  checks[0]?.();
  await Promise.all(calls);
  assert.deepEqual(order, ["03", "01", "02"]);
});

Deno.test("work that is for its answer alone ends with the session, other work goes on", async () => {
  const session = new AbortController();
  const { promise: end, resolve } = Promise.withResolvers<Reply>();
  const other = call(createRow(() => end), { session: session.signal });
  const row = createRow((signal) =>
    new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)))
  );
  const bound = call({ ...row, endsWithSession: true }, { session: session.signal });
  await Promise.resolve();
  session.abort();
  await assert.rejects(bound, { code: "canceled" });
  resolve({ args: ["done"] });
  assert.deepEqual(await other, { args: ["done"] });
});
