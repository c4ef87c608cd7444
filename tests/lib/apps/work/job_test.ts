import assert from "node:assert/strict";
import { Job } from "../../../../lib/apps/work/job.ts";
import { sampleRequest } from "../../store/samples.ts";

Deno.test("M14: an interruption aborts the signal, and can be taken once", () => {
  const job = new Job(new AbortController().signal);
  const first = job.signal;
  const by = sampleRequest({ target: "REMOVED" });
  job.interrupt(by);
  assert.equal(first.aborted, true);
  assert.equal(job.takeInterruption(), by);
  assert.equal(job.signal.aborted, false);
  assert.equal(job.takeInterruption(), undefined);
});

Deno.test("the last of several interruptions counts", () => {
  const job = new Job(new AbortController().signal);
  job.interrupt(sampleRequest({ target: "REMOVED" }));
  const last = sampleRequest({ target: "UNINSTALLED" });
  job.interrupt(last);
  assert.equal(job.takeInterruption(), last);
});

Deno.test("M14: end() leaves no interruption to take", () => {
  const job = new Job(new AbortController().signal);
  job.interrupt(sampleRequest());
  job.end();
  assert.equal(job.signal.aborted, true);
  assert.equal(job.takeInterruption(), undefined);
});

Deno.test("the end of the agent ends the job, and nothing can follow", () => {
  const life = new AbortController();
  const job = new Job(life.signal);
  life.abort();
  assert.equal(job.signal.aborted, true);
  job.interrupt(sampleRequest());
  assert.equal(job.takeInterruption(), undefined);
});
