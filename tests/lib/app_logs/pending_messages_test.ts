import assert from "node:assert/strict";
import { silentLog } from "../../../lib/base/log.ts";
import { PendingMessages } from "../../../lib/app_logs/pending_messages.ts";
import { readMessages } from "../../../lib/store/message_rows.ts";
import { FakeClock } from "../../fakes/fake_clock.ts";
import { Folder } from "../store/samples.ts";

Deno.test("messages are taken over once, oldest first, by who comes after their holder", () => {
  using folder = new Folder();
  using database = folder.open();
  const parts = { database, clock: new FakeClock(), log: silentLog };
  const before = new PendingMessages(parts);
  const row = before.keep({ channel: "prod_1_shop", chunk: "a" }) ?? 0;
  before.keep({ channel: "prod_2_till", chunk: "b" });
  assert.deepEqual(before.takeOver(), []);
  before.release(row);
  assert.deepEqual(before.takeOver().map(({ chunk }) => chunk), ["a"]);
  assert.deepEqual(before.takeOver(), []);

  const after = new PendingMessages(parts);
  const taken = after.takeOver();
  assert.deepEqual(taken.map(({ channel, chunk }) => [channel, chunk]), [["prod_1_shop", "a"], ["prod_2_till", "b"]]);
  after.drop(row);
  assert.deepEqual(readMessages(database).map(({ chunk }) => chunk), ["b"]);
  after.drop(row);
});

Deno.test("a disk that refuses costs the keeping, and nothing else", () => {
  using folder = new Folder();
  const database = folder.open();
  const kept = new PendingMessages({ database, clock: new FakeClock(), log: silentLog });
  database[Symbol.dispose]();
  assert.equal(kept.keep({ channel: "prod_1_shop", chunk: "a" }), undefined);
  kept.drop(1);
  assert.deepEqual(kept.takeOver(), []);
});

Deno.test("a message that was sent and that the disk does not let go is not taken over again", () => {
  using folder = new Folder();
  using database = folder.open();
  const kept = new PendingMessages({ database, clock: new FakeClock(), log: silentLog });
  const row = kept.keep({ channel: "prod_1_shop", chunk: "a" }) ?? 0;
  database.run("PRAGMA query_only = ON");
  kept.drop(row);
  database.run("PRAGMA query_only = OFF");
  assert.equal(readMessages(database).length, 1, "the disk has let it go");
  assert.deepEqual(kept.takeOver(), []);
});
