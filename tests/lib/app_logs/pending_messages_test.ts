import assert from "node:assert/strict";
import { silentLog } from "../../../lib/base/log.ts";
import { PendingMessages } from "../../../lib/app_logs/pending_messages.ts";
import { readMessages } from "../../../lib/store/message_rows.ts";
import { FakeClock } from "../../fakes/fake_clock.ts";
import { Folder } from "../store/samples.ts";

Deno.test("messages are claimed once, oldest first, after their owner has released them", () => {
  using folder = new Folder();
  using database = folder.open();
  const deps = { database, clock: new FakeClock(), log: silentLog };
  const before = new PendingMessages(deps);
  const row = before.add({ channel: "prod_1_shop", chunk: "a" }) ?? 0;
  before.add({ channel: "prod_2_till", chunk: "b" });
  assert.deepEqual(before.claimAll(), []);
  before.release(row);
  assert.deepEqual(before.claimAll().map(({ chunk }) => chunk), ["a"]);
  assert.deepEqual(before.claimAll(), []);

  const after = new PendingMessages(deps);
  const claimed = after.claimAll();
  assert.deepEqual(claimed.map(({ channel, chunk }) => [channel, chunk]), [["prod_1_shop", "a"], ["prod_2_till", "b"]]);
  after.remove(row);
  assert.deepEqual(readMessages(database).map(({ chunk }) => chunk), ["b"]);
  after.remove(row);
});

Deno.test("a message that cannot be stored does no further harm", () => {
  using folder = new Folder();
  const database = folder.open();
  const pending = new PendingMessages({ database, clock: new FakeClock(), log: silentLog });
  database[Symbol.dispose]();
  assert.equal(pending.add({ channel: "prod_1_shop", chunk: "a" }), undefined);
  pending.remove(1);
  assert.deepEqual(pending.claimAll(), []);
});

Deno.test("a message that was sent and cannot be deleted is not claimed again", () => {
  using folder = new Folder();
  using database = folder.open();
  const pending = new PendingMessages({ database, clock: new FakeClock(), log: silentLog });
  const row = pending.add({ channel: "prod_1_shop", chunk: "a" }) ?? 0;
  database.run("PRAGMA query_only = ON");
  pending.remove(row);
  database.run("PRAGMA query_only = OFF");
  assert.equal(readMessages(database).length, 1, "it was deleted");
  assert.deepEqual(pending.claimAll(), []);
});
