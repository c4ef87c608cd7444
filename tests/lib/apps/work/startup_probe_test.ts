import assert from "node:assert/strict";
import { awaitStartup, type StartupOutcome } from "../../../../lib/apps/work/startup_probe.ts";
import { hasCode } from "../../../../lib/base/errors.ts";
import { FakeClock } from "../../../fakes/fake_clock.ts";

/** A process whose threads can be told what to do, and what becomes of it. */
class Started {
  readonly clock = new FakeClock();
  readonly cut = new AbortController();
  readonly exit = Promise.withResolvers<number | undefined>();
  /** What it has done so far; undefined while it works. */
  mark: string | undefined;
  looks = 0;
  settled: StartupOutcome | undefined;
  readonly end: Promise<StartupOutcome>;

  constructor(mark: string | undefined) {
    this.mark = mark;
    this.end = awaitStartup({
      clock: this.clock,
      exit: this.exit.promise,
      readIdleMark: () => {
        this.looks += 1;
        return this.mark;
      },
      signal: this.cut.signal,
    });
    this.end.then((settled) => this.settled = settled, () => {});
  }
}

Deno.test("a process that waits for something counts as running after 10 ms", async () => {
  const process = new Started("1");
  await process.clock.advance(9);
  assert.equal(process.settled, undefined);
  await process.clock.advance(1);
  assert.deepEqual(process.settled, { kind: "atRest" });
  assert.equal(process.clock.sleeping, 0);
});

Deno.test("a process that has run in between is looked at again, at growing distances", async () => {
  const process = new Started("1");
  process.mark = "2";
  await process.clock.advance(10);
  assert.equal(process.settled, undefined);
  await process.clock.advance(15);
  assert.deepEqual(process.settled, { kind: "atRest" });
});

Deno.test("a process that works all the time has outlived the window after 500 ms", async () => {
  const process = new Started(undefined);
  await process.clock.advance(499);
  assert.equal(process.settled, undefined);
  await process.clock.advance(1);
  assert.deepEqual(process.settled, { kind: "outlived" });
  assert.ok(process.looks < 12, `${process.looks} looks`);
});

Deno.test("a process that ends has ended, whatever was seen of it", async () => {
  const process = new Started(undefined);
  await process.clock.advance(200);
  process.exit.resolve(3);
  assert.deepEqual(await process.end, { kind: "exited", exitCode: 3 });
  assert.equal(process.clock.sleeping, 0);
});

Deno.test("without a word of its end a process is watched all the same", async () => {
  const process = new Started(undefined);
  process.exit.resolve(undefined);
  await process.clock.advance(499);
  assert.equal(process.settled, undefined);
  process.mark = "1";
  await process.clock.advance(1);
  assert.deepEqual(process.settled, { kind: "outlived" });
});

Deno.test("a cut ends the wait", async () => {
  const process = new Started(undefined);
  process.cut.abort();
  await assert.rejects(process.end, (error) => hasCode(error, "canceled"));
});
