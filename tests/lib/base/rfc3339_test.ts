import assert from "node:assert/strict";
import { parseRfc3339, utcSecondsText } from "../../../lib/base/rfc3339.ts";

Deno.test("parseRfc3339() reads times with a zone, and refuses everything else", () => {
  const cases: [text: string, iso: string | undefined][] = [
    ["2031-03-05T07:00:00Z", "2031-03-05T07:00:00.000Z"],
    ["2031-03-05T07:00:00.25+01:30", "2031-03-05T05:30:00.250Z"],
    ["2031-03-05T07:00:00.123456789-05:00", "2031-03-05T12:00:00.123Z"],
    ["0001-01-01T00:00:00Z", "0001-01-01T00:00:00.000Z"],
    ["2028-02-29T23:59:59Z", "2028-02-29T23:59:59.000Z"],
    ["2031-02-29T00:00:00Z", undefined],
    ["2031-13-01T00:00:00Z", undefined],
    ["2031-03-05T24:00:00Z", undefined],
    ["2031-03-05T07:60:00Z", undefined],
    ["2031-03-05T07:00:60Z", undefined],
    ["2031-03-05 07:00:00Z", undefined],
    ["2031-03-05T07:00:00", undefined],
    ["2031-03-05", undefined],
    ["2031-03-05T07:00:00Z\n", undefined],
    ["", undefined],
  ];
  for (const [text, iso] of cases) {
    const ms = parseRfc3339(text);
    assert.equal(ms === undefined ? undefined : new Date(ms).toISOString(), iso, text);
  }
});

Deno.test("utcSecondsText() rounds down", () => {
  assert.equal(utcSecondsText(Date.UTC(2031, 2, 5, 7, 0, 0, 999)), "2031-03-05T07:00:00Z");
  assert.equal(utcSecondsText(-1), "1969-12-31T23:59:59Z");
});
