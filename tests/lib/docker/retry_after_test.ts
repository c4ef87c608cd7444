import assert from "node:assert/strict";
import { busyError, defaultPauseMs, isBusy, isRateLimit, readRetryAfter } from "../../../lib/docker/retry_after.ts";

const now = new Date("2026-01-01T00:00:00Z");
const later = "Thu, 01 Jan 2026 00:00:20 GMT";

const waits: [name: string, headers: Record<string, string>, expectedMs: number | undefined][] = [
  ["seconds", { "retry-after": "20" }, 20_000],
  ["seconds with spaces", { "retry-after": " 7 " }, 7_000],
  ["none at all", { "retry-after": "0" }, 0],
  ["a date", { "retry-after": later }, 20_000],
  ["a date, seen from a clock that is wrong", {
    "retry-after": "Mon, 01 Jan 2029 00:01:00 GMT",
    date: "Mon, 01 Jan 2029 00:00:00 GMT",
  }, 60_000],
  ["a date that is over", { "retry-after": "Wed, 31 Dec 2025 23:00:00 GMT" }, 0],
  ["a month, cut to an hour", { "retry-after": "2592000" }, 3_600_000],
  ["digits without end, cut to an hour", { "retry-after": "9".repeat(400) }, 3_600_000],
  ["a date far away, cut to an hour", { "retry-after": "Fri, 01 Jan 2100 00:00:00 GMT" }, 3_600_000],
  ["nonsense", { "retry-after": "soon" }, undefined],
  ["a negative number", { "retry-after": "-5" }, undefined],
  ["words with a number", { "retry-after": "later, please 5" }, undefined],
  ["a fraction", { "retry-after": "1.5" }, 1_500],
  ["nothing", {}, undefined],
];

for (const [name, headers, expectedMs] of waits) {
  Deno.test(`#14: readRetryAfter() of ${name}`, () =>
    assert.equal(readRetryAfter(new Headers(headers), now), expectedMs));
}

Deno.test("#14: busyError() is for 429, and for 503 with a time to come back", () => {
  const url = new URL("https://r.example.com/v2/");
  const waitOf = (status: number, headers: Record<string, string> = {}) => {
    return busyError({ status, headers: new Headers(headers) }, url)?.waitMs;
  };
  assert.equal(waitOf(429, { "retry-after": "20" }), 20_000);
  assert.equal(waitOf(429), defaultPauseMs);
  assert.equal(waitOf(503, { "retry-after": "20" }), 20_000);
  assert.equal(waitOf(503), undefined);
  for (const status of [200, 401, 403, 404, 500, 502]) assert.equal(waitOf(status, { "retry-after": "20" }), undefined);
});

Deno.test("#14: texts of engines tell a registry that has too much to do from one that refuses", () => {
  const limited =
    "toomanyrequests: You have reached your pull rate limit. You may increase the limit by authenticating";
  assert.ok(isRateLimit(limited) && isBusy(limited));
  assert.ok(isRateLimit("received unexpected HTTP status: 429 Too Many Requests"));
  assert.ok(isRateLimit('error parsing HTTP 429 response body: unexpected end of JSON input: ""'));
  assert.ok(isRateLimit("unexpected status code: 429"));
  const away = "received unexpected HTTP status: 503 Service Unavailable";
  assert.ok(!isRateLimit(away) && isBusy(away));
  assert.ok(!isBusy("manifest for r/apps/shop:1.503.0 not found: manifest unknown"), "a version is no status");
});
