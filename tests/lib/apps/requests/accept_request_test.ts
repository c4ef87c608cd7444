import assert from "node:assert/strict";
import { acceptRequest } from "../../../../lib/apps/requests/accept_request.ts";
import type { LiveApp } from "../../../../lib/apps/state/live_app.ts";
import { AppRecords } from "../../../../lib/apps/state/app_records.ts";
import type { AppRequest } from "../../../../lib/model/app.ts";
import { silentLog } from "../../../../lib/base/log.ts";
import { FakeClock } from "../../../fakes/fake_clock.ts";
import { Folder, sampleRequest } from "../../store/samples.ts";

const id = { appKey: 71, stage: "PROD" } as const;

/** Records on a database of their own, and the apps that are to be stored later. */
class World implements Disposable {
  readonly #folder = new Folder();
  readonly database = this.#folder.open();
  readonly records = new AppRecords({ database: this.database, clock: new FakeClock() });
  readonly later: LiveApp[] = [];

  accept(change: Partial<AppRequest>, options = { isUnprompted: true }): boolean {
    const reporter = { storeLater: (app: LiveApp) => void this.later.push(app) };
    const deps = { records: this.records, reporter, hideSecretsOf: () => {}, log: silentLog };
    return acceptRequest(deps, { request: sampleRequest(change), ...options });
  }

  [Symbol.dispose](): void {
    this.database[Symbol.dispose]();
    this.#folder[Symbol.dispose]();
  }
}

Deno.test("acceptRequest() stores a request", () => {
  using world = new World();
  for (const target of ["RUNNING", "PRESENT", "REMOVED"] as const) {
    assert.equal(world.accept({ target }), true);
    assert.equal(world.records.request(id)?.target, target);
  }
  assert.deepEqual(world.later, []);
});

Deno.test("acceptRequest() holds a request that frees space when the database refuses it, even for an unknown app", () => {
  for (const isKnown of [true, false]) {
    using world = new World();
    if (isKnown) world.accept({ target: "RUNNING" });
    world.database.sql.exec("PRAGMA query_only = ON");
    assert.equal(world.accept({ target: "REMOVED" }), false);
    assert.equal(world.records.request(id)?.target, "REMOVED");
    assert.deepEqual(world.later, [world.records.find(id)]);
  }
});

Deno.test("acceptRequest() throws for any other request that the database refuses, and keeps nothing of it", () => {
  using world = new World();
  world.database.sql.exec("PRAGMA query_only = ON");
  for (const target of ["RUNNING", "PRESENT"] as const) {
    assert.throws(() => world.accept({ target }), { code: "store_failed" }, target);
  }
  assert.deepEqual([world.records.all(), world.records.requests(), world.later], [[], [], []]);
});
