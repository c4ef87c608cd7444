import assert from "node:assert/strict";
import { systemClock, throwIfAborted, within } from "../../../lib/async/clock.ts";
import { hasCode } from "../../../lib/base/errors.ts";

Deno.test("within() gives the result of work that is quick enough", async () => {
  assert.equal(await within(10_000, () => Promise.resolve(7), { what: "The count" }), 7);
});

Deno.test("within() ends work that ignores its signal and tells it to stop", async () => {
  let told = false;
  const work = (signal: AbortSignal) => {
    signal.addEventListener("abort", () => told = true);
    return new Promise<never>(() => {});
  };
  await assert.rejects(within(1, work, { what: "The dial" }), (error) => {
    return hasCode(error, "timeout") && error.message === "The dial took longer than 1 ms";
  });
  assert.equal(told, true);
});

Deno.test("within() is canceled by the outer signal, also when it ended before", async () => {
  const outer = new AbortController();
  const running = within(10_000, () => new Promise<never>(() => {}), { what: "The call", signal: outer.signal });
  outer.abort();
  await assert.rejects(running, (error) => hasCode(error, "canceled"));
  const late = within(10_000, () => new Promise<never>(() => {}), { what: "The call", signal: outer.signal });
  await assert.rejects(late, (error) => hasCode(error, "canceled"));
});

Deno.test("within() passes on the error of the work", async () => {
  await assert.rejects(within(10_000, () => Promise.reject(new Error("refused")), { what: "The call" }), /refused/);
});

Deno.test("sleep() leaves no timer behind when it is canceled", async () => {
  const controller = new AbortController();
  const sleeping = systemClock.sleep(3_600_000, controller.signal);
  controller.abort();
  await assert.rejects(sleeping, (error) => hasCode(error, "canceled"));
  await assert.rejects(systemClock.sleep(3_600_000, controller.signal), (error) => hasCode(error, "canceled"));
});

Deno.test("throwIfAborted() throws only for an ended signal", () => {
  throwIfAborted(undefined, "The step");
  throwIfAborted(new AbortController().signal, "The step");
  assert.throws(() => throwIfAborted(AbortSignal.abort(), "The step"), /The step was canceled/);
});
