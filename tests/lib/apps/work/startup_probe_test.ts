import assert from "node:assert/strict";
import { awaitStartup, type StartupOutcome } from "../../../../lib/apps/work/startup_probe.ts";
import { hasCode } from "../../../../lib/base/errors.ts";
import { FakeClock } from "../../../fakes/fake_clock.ts";

/** A process that a test makes idle or ends, and the outcome of its probe. */
class Started {
  readonly clock = new FakeClock();
  readonly controller = new AbortController();
  readonly exit = Promise.withResolvers<number | undefined>();
  /** What it has done so far; undefined while it works. */
  mark: string | undefined;
  reads = 0;
  outcome: StartupOutcome | undefined;
  readonly end: Promise<StartupOutcome>;

  constructor(mark: string | undefined) {
    this.mark = mark;
    this.end = awaitStartup({
      clock: this.clock,
      exit: this.exit.promise,
      readIdleMark: () => {
        this.reads += 1;
        return this.mark;
      },
      signal: this.controller.signal,
    });
    this.end.then((outcome) => this.outcome = outcome, () => {});
  }
}

Deno.test("an idle process counts as running after 10 ms", async () => {
  const process = new Started("1");
  await process.clock.advance(9);
  assert.equal(process.outcome, undefined);
  await process.clock.advance(1);
  assert.deepEqual(process.outcome, { kind: "idle" });
  assert.equal(process.clock.sleeping, 0);
});

Deno.test("a process that has worked in between is read again, at growing intervals", async () => {
  const process = new Started("1");
  process.mark = "2";
  await process.clock.advance(10);
  assert.equal(process.outcome, undefined);
  await process.clock.advance(15);
  assert.deepEqual(process.outcome, { kind: "idle" });
});

Deno.test("a process that always works has outlived the window after 500 ms", async () => {
  const process = new Started(undefined);
  await process.clock.advance(499);
  assert.equal(process.outcome, undefined);
  await process.clock.advance(1);
  assert.deepEqual(process.outcome, { kind: "outlived" });
  assert.ok(process.reads < 12, `${process.reads} reads`);
});

Deno.test("M62: a process that exits has exited, whatever was read before", async () => {
  const process = new Started(undefined);
  await process.clock.advance(200);
  process.exit.resolve(3);
  assert.deepEqual(await process.end, { kind: "exited", exitCode: 3 });
  assert.equal(process.clock.sleeping, 0);
});

Deno.test("a process is probed even when the wait for its exit is lost", async () => {
  const process = new Started(undefined);
  process.exit.resolve(undefined);
  await process.clock.advance(499);
  assert.equal(process.outcome, undefined);
  process.mark = "1";
  await process.clock.advance(1);
  assert.deepEqual(process.outcome, { kind: "outlived" });
});

Deno.test("an abort ends the wait", async () => {
  const process = new Started(undefined);
  process.controller.abort();
  await assert.rejects(process.end, (error) => hasCode(error, "canceled"));
});
