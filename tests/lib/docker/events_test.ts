import assert from "node:assert/strict";
import { decodeEvent } from "../../../lib/docker/events.ts";

Deno.test("decodeEvent() keeps the nanoseconds that a number would lose", () => {
  const line =
    `{"status":"die","Type":"container","Action":"die","Actor":{"ID":"a1","Attributes":{"exitCode":"3","name":"shop","n":1}},"time":1,"timeNano":1930000000123456789}`;
  assert.deepEqual(decodeEvent(line), {
    action: "die",
    id: "a1",
    name: "shop",
    labels: { exitCode: "3", name: "shop" },
    exitCode: 3,
    timeNano: 1930000000123456789n,
  });
});

Deno.test("decodeEvent() returns undefined for anything but an event", () => {
  for (
    const line of [
      "",
      "{",
      "null",
      "[]",
      `{"Action":1,"Actor":{}}`,
      `{"Action":"die"}`,
      `{"Action":"die","Actor":{"ID":5}}`,
    ]
  ) {
    assert.equal(decodeEvent(line), undefined);
  }
});
