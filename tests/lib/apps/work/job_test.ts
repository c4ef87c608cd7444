import assert from "node:assert/strict";
import { Job } from "../../../../lib/apps/work/job.ts";
import { sampleRequest } from "../../store/samples.ts";

Deno.test("an interruption ends the signal, and is taken once", () => {
  const turn = new Job(new AbortController().signal);
  const first = turn.signal;
  const by = sampleRequest({ target: "REMOVED" });
  turn.interrupt(by);
  assert.equal(first.aborted, true);
  assert.equal(turn.takeInterruption(), by);
  assert.equal(turn.signal.aborted, false);
  assert.equal(turn.takeInterruption(), undefined);
});

Deno.test("the last of several interruptions counts", () => {
  const turn = new Job(new AbortController().signal);
  turn.interrupt(sampleRequest({ target: "REMOVED" }));
  const last = sampleRequest({ target: "UNINSTALLED" });
  turn.interrupt(last);
  assert.equal(turn.takeInterruption(), last);
});

Deno.test("end() leaves nothing to go on with", () => {
  const turn = new Job(new AbortController().signal);
  turn.interrupt(sampleRequest());
  turn.end();
  assert.equal(turn.signal.aborted, true);
  assert.equal(turn.takeInterruption(), undefined);
});

Deno.test("the end of the agent ends the turn, and nothing goes on after it", () => {
  const life = new AbortController();
  const turn = new Job(life.signal);
  life.abort();
  assert.equal(turn.signal.aborted, true);
  turn.interrupt(sampleRequest());
  assert.equal(turn.takeInterruption(), undefined);
});
