import assert from "node:assert/strict";
import { localTimeText } from "../../../lib/base/local_time.ts";

const zones = [
  { minutes: 0, text: "2031-03-05T23:30:15Z" },
  { minutes: 60, text: "2031-03-06T00:30:15+01:00" },
  { minutes: -210, text: "2031-03-05T20:00:15-03:30" },
  { minutes: 345, text: "2031-03-06T05:15:15+05:45" },
];

for (const { minutes, text } of zones) {
  Deno.test(`localTimeText() returns ${text} at ${minutes} minutes from UTC`, () => {
    const date = new Date("2031-03-05T23:30:15.789Z");
    date.getTimezoneOffset = () => -minutes;
    assert.equal(localTimeText(date), text);
    assert.equal(Date.parse(text), Math.floor(date.getTime() / 1000) * 1000);
  });
}
