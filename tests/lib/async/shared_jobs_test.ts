import assert from "node:assert/strict";
import { SharedJobs } from "../../../lib/async/shared_jobs.ts";

const never = new AbortController().signal;
const options = { what: "do it", atOnce: 1, queueLimit: 2, callerLimit: 3 };

/** Work that ends when it is told to, and what of it has begun. */
class Work {
  readonly begun: string[] = [];
  readonly #ends = new Map<string, PromiseWithResolvers<string>>();
  aborted: string[] = [];

  of(name: string): (signal: AbortSignal) => Promise<string> {
    return async (signal) => {
      this.begun.push(name);
      signal.addEventListener("abort", () => this.aborted.push(name));
      const end = Promise.withResolvers<string>();
      this.#ends.set(name, end);
      return await end.promise;
    };
  }

  end(name: string): void {
    this.#ends.get(name)?.resolve(name);
  }

  fail(name: string): void {
    this.#ends.get(name)?.reject(new Error(name));
  }
}

const settle = () => new Promise((resolve) => setTimeout(resolve));

Deno.test("SharedJobs: callers with one key share one job and its result", async () => {
  const work = new Work();
  const jobs = new SharedJobs<string>(options);
  const callers = [1, 2, 3].map(() => jobs.run("a", work.of("a"), never));
  await settle();
  work.end("a");
  assert.deepEqual(await Promise.all(callers), ["a", "a", "a"]);
  assert.deepEqual(work.begun, ["a"]);
});

Deno.test("SharedJobs: a caller beyond the limit of a job, and a job beyond the queue, are refused", async () => {
  const work = new Work();
  const jobs = new SharedJobs<string>(options);
  const callers = ["a", "a", "a", "b", "c"].map((key) => jobs.run(key, work.of(key), never));
  const refusal = { code: "busy", message: "Cannot do it: too much is waiting already" };
  await assert.rejects(jobs.run("a", work.of("a"), never), refusal);
  await assert.rejects(jobs.run("d", work.of("d"), never), refusal);
  for (const key of ["a", "b", "c"]) {
    await settle();
    assert.equal(work.begun.at(-1), key, "one after the other");
    work.end(key);
  }
  assert.deepEqual(await Promise.all(callers), ["a", "a", "a", "b", "c"]);
});

Deno.test("SharedJobs: a caller who goes away does not end the job of the others", async () => {
  const work = new Work();
  const jobs = new SharedJobs<string>(options);
  const gone = new AbortController();
  const first = jobs.run("a", work.of("a"), gone.signal);
  const second = jobs.run("a", work.of("a"), never);
  await settle();
  gone.abort();
  await assert.rejects(first, { code: "canceled" });
  assert.deepEqual(work.aborted, []);
  work.end("a");
  assert.equal(await second, "a");
});

Deno.test("SharedJobs: a job that nobody waits for is aborted, and the next begins once it has ended", async () => {
  const work = new Work();
  const jobs = new SharedJobs<string>(options);
  const gone = new AbortController();
  const left = [jobs.run("a", work.of("a"), gone.signal), jobs.run("b", work.of("b"), gone.signal)];
  await settle();
  gone.abort();
  for (const caller of left) await assert.rejects(caller, { code: "canceled" });
  assert.deepEqual(work.aborted, ["a"]);
  const again = jobs.run("a", work.of("a again"), never);
  await settle();
  assert.deepEqual(work.begun, ["a"], "the aborted one has not ended");
  work.fail("a");
  await settle();
  assert.deepEqual(work.begun, ["a", "a again"], "b has left the queue");
  work.end("a again");
  assert.equal(await again, "a again");
});

Deno.test("SharedJobs: every caller gets the error of the job, and the next call begins another", async () => {
  const work = new Work();
  const jobs = new SharedJobs<string>(options);
  const callers = [1, 2].map(() => jobs.run("a", work.of("a"), never));
  await settle();
  work.fail("a");
  for (const caller of callers) await assert.rejects(caller, { message: "a" });
  const next = jobs.run("a", work.of("a"), never);
  await settle();
  work.end("a");
  assert.equal(await next, "a");
});

Deno.test("SharedJobs: a caller who has left already begins nothing", async () => {
  const work = new Work();
  const jobs = new SharedJobs<string>(options);
  await assert.rejects(jobs.run("a", work.of("a"), AbortSignal.abort()), { code: "canceled" });
  await settle();
  assert.deepEqual(work.begun, []);
  const next = jobs.run("b", work.of("b"), never);
  await settle();
  work.end("b");
  assert.equal(await next, "b");
});
