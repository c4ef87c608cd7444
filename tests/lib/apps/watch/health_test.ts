import assert from "node:assert/strict";
import { AppRecords } from "../../../../lib/apps/state/app_records.ts";
import { Health } from "../../../../lib/apps/watch/health.ts";
import { AgentError } from "../../../../lib/base/errors.ts";
import { silentLog } from "../../../../lib/base/log.ts";
import { FakeClock } from "../../../fakes/fake_clock.ts";
import { Folder } from "../../store/samples.ts";

/** The health of an app on a database of its own. */
class Observed implements Disposable {
  readonly clock = new FakeClock();
  readonly health: Health;
  readonly #folder = new Folder();
  readonly #database = this.#folder.open();

  constructor() {
    const nothing = () => {};
    this.health = new Health({ appKey: 7, stage: "PROD" }, {
      records: new AppRecords({ database: this.#database, clock: this.clock }),
      retryDelayMs: (attempt) => attempt * 1_000,
      downloadDelayMs: (attempt, pauseMs) => attempt * 100 + pauseMs,
      onRetry: nothing,
      onProbationOver: nothing,
      keep: nothing,
      clock: this.clock,
      log: silentLog,
    });
  }

  [Symbol.dispose](): void {
    this.health.stop();
    this.#database[Symbol.dispose]();
    this.#folder[Symbol.dispose]();
  }
}

Deno.test("wasDiskFull() is true for a minute after a full disk, and for nothing else", async () => {
  using observed = new Observed();
  const { health, clock } = observed;
  assert.equal(health.wasDiskFull(), false);
  health.recordError(new AgentError("io_failed", "it does not work"));
  assert.equal(health.wasDiskFull(), false);
  health.recordError(new AgentError("no_space", "no space left on device"));
  await clock.advance(59_999);
  assert.equal(health.wasDiskFull(), true);
  await clock.advance(1);
  assert.equal(health.wasDiskFull(), false);
});

Deno.test("scheduleRetry() counts on, and from one again after ten minutes of running", async () => {
  using observed = new Observed();
  const { health, clock } = observed;
  assert.equal(health.scheduleRetry().attempt, 1);
  health.recordState({ isRunning: true, isOnProbation: false });
  await clock.advance(599_999);
  assert.equal(health.scheduleRetry().attempt, 2);
  health.recordState({ isRunning: true, isOnProbation: false });
  await clock.advance(600_000);
  assert.equal(health.scheduleRetry().attempt, 1);
});

Deno.test("a probation is over after a minute of running, until it is ended", async () => {
  using observed = new Observed();
  const { health, clock } = observed;
  health.recordState({ isRunning: true, isOnProbation: true });
  await clock.advance(59_999);
  assert.equal(health.isProbationOver, false);
  await clock.advance(1);
  assert.equal(health.isProbationOver, true);
  health.endProbation();
  assert.equal(health.isProbationOver, false);
});

Deno.test("#14: failed downloads do not count against the app, and begin again after one that worked", () => {
  using observed = new Observed();
  const { health } = observed;
  assert.deepEqual(health.scheduleDownload(0), { attempt: 1, delayMs: 100 });
  assert.deepEqual(health.scheduleDownload(20_000), { attempt: 2, delayMs: 20_200 });
  assert.deepEqual(health.scheduleRetry(), { attempt: 1, delayMs: 1_000 });
  assert.deepEqual(health.scheduleDownload(0), { attempt: 1, delayMs: 100 });
  health.forgetFailures();
  assert.deepEqual(health.scheduleDownload(0), { attempt: 1, delayMs: 100 });
});
