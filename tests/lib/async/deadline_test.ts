import assert from "node:assert/strict";
import { orAborted, throwIfAborted, untilAborted, within } from "../../../lib/async/deadline.ts";
import { hasCode } from "../../../lib/base/errors.ts";

Deno.test("within() returns the result of work that is quick enough", async () => {
  assert.equal(await within(10_000, () => Promise.resolve(7), { what: "The count" }), 7);
});

Deno.test("within() aborts work, and rejects even when the work ignores its signal", async () => {
  let isAborted = false;
  const work = (signal: AbortSignal) => {
    signal.addEventListener("abort", () => isAborted = true);
    return new Promise<never>(() => {});
  };
  await assert.rejects(within(1, work, { what: "The dial" }), (error) => {
    return hasCode(error, "timeout") && error.message === "The dial took longer than 1 ms";
  });
  assert.equal(isAborted, true);
});

Deno.test("within() is canceled by the outer signal, also one that was aborted before", async () => {
  const outer = new AbortController();
  const running = within(10_000, () => new Promise<never>(() => {}), { what: "The call", signal: outer.signal });
  outer.abort();
  await assert.rejects(running, (error) => hasCode(error, "canceled"));
  const late = within(10_000, () => new Promise<never>(() => {}), { what: "The call", signal: outer.signal });
  await assert.rejects(late, (error) => hasCode(error, "canceled"));
});

Deno.test("within() rejects with the error of the work", async () => {
  await assert.rejects(within(10_000, () => Promise.reject(new Error("refused")), { what: "The call" }), /refused/);
});

Deno.test("throwIfAborted() throws only for an aborted signal", () => {
  throwIfAborted(undefined, "The step");
  throwIfAborted(new AbortController().signal, "The step");
  assert.throws(() => throwIfAborted(AbortSignal.abort(), "The step"), /The step was canceled/);
});

Deno.test("untilAborted() waits for the signal, and not at all for one that was aborted before", async () => {
  const controller = new AbortController();
  let isOver = false;
  const waiting = untilAborted(controller.signal).then(() => isOver = true);
  await new Promise((resolve) => setTimeout(resolve, 0));
  assert.equal(isOver, false);
  controller.abort();
  await waiting;
  await untilAborted(AbortSignal.abort());
});

Deno.test("orAborted() passes on the outcome of the promise while the signal is not aborted", async () => {
  const options = { what: "The wait", signal: new AbortController().signal };
  assert.equal(await orAborted(Promise.resolve(7), options), 7);
  await assert.rejects(orAborted(Promise.reject(new Error("refused")), options), /refused/);
});

Deno.test("orAborted() throws canceled as soon as the signal is aborted, also one that was aborted before", async () => {
  const controller = new AbortController();
  const waiting = orAborted(new Promise<never>(() => {}), { what: "The wait", signal: controller.signal });
  controller.abort();
  const isCanceled = (error: unknown) => hasCode(error, "canceled") && /The wait was canceled/.test(`${error}`);
  await assert.rejects(waiting, isCanceled);
  const options = { what: "The wait", signal: AbortSignal.abort() };
  await assert.rejects(orAborted(Promise.resolve(7), options), isCanceled);
});
