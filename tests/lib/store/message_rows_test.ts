import assert from "node:assert/strict";
import { addMessage, deleteMessage, readMessages, waitingLimit } from "../../../lib/store/message_rows.ts";
import { Folder, warningsLog } from "./samples.ts";

const now = new Date("2031-03-05T07:00:00Z");
const channel = "prod_1_shop";

Deno.test("readMessages() returns what addMessage() stored, oldest first, even after a restart", () => {
  using folder = new Folder();
  {
    using database = folder.open();
    assert.deepEqual(addMessage(database, { channel, chunk: "a \u0000 ü" }, { now }), { rowId: 1, dropped: 0 });
    assert.deepEqual(addMessage(database, { channel: "prod_2_till", chunk: "" }, { now }), { rowId: 2, dropped: 0 });
  }
  using database = folder.open();
  const messages = readMessages(database);
  assert.deepEqual(messages.map((message) => [message.rowId, message.channel, message.chunk]), [
    [1, channel, "a \u0000 ü"],
    [2, "prod_2_till", ""],
  ]);
  assert.equal(new Date(messages[0]?.happened ?? "").getTime(), now.getTime());
});

Deno.test("deleteMessage() removes one message, a missing one is fine, and no row number is used again", () => {
  using folder = new Folder();
  using database = folder.open();
  const { rowId } = addMessage(database, { channel, chunk: "a" }, { now });
  deleteMessage(database, rowId);
  deleteMessage(database, rowId);
  assert.deepEqual(readMessages(database), []);
  assert.equal(addMessage(database, { channel, chunk: "b" }, { now }).rowId, rowId + 1);
});

Deno.test("addMessage() drops the oldest above the limit and returns how many", () => {
  using folder = new Folder();
  using database = folder.open();
  const dropped: number[] = [];
  database.transaction(() => {
    for (let index = 0; index < waitingLimit + 2; index += 1) {
      dropped.push(addMessage(database, { channel, chunk: `${index}` }, { now }).dropped);
    }
  });
  assert.deepEqual(dropped.slice(-3), [0, 1, 1]);
  assert.equal(readMessages(database).length, waitingLimit);
  assert.equal(readMessages(database)[0]?.chunk, "2");
});

Deno.test("readMessages() skips a row that cannot be read, and logs it", () => {
  using folder = new Folder();
  const log = warningsLog();
  using database = folder.open(log);
  database.run("INSERT INTO ReagentMessages (happened, channel, chunk) VALUES ('', 'c', '{broken')");
  addMessage(database, { channel, chunk: "a" }, { now });
  assert.deepEqual(readMessages(database).map(({ chunk }) => chunk), ["a"]);
  assert.equal(log.warnings.length, 1);
});
