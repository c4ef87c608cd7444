import assert from "node:assert/strict";
import { RequestCounter, requestName } from "../../../scripts/bench/request_counter.ts";

/** The names that are counted when a client's bytes arrive in pieces of `size`. */
function countIn(text: string, size: number): string[] {
  const names: string[] = [];
  const counter = new RequestCounter((name) => names.push(name));
  const bytes = new TextEncoder().encode(text);
  for (let index = 0; index < bytes.length; index += size) counter.feed(bytes.subarray(index, index + size));
  return names;
}

Deno.test("RequestCounter counts successive requests, in whatever pieces they arrive", () => {
  const body = '{"Name":"GET / HTTP/1.1\\r\\n","Wörter":"ü"}';
  const text = "GET /containers/json?all=1 HTTP/1.1\r\nHost: x\r\n\r\n" +
    `POST /containers/create?name=a HTTP/1.1\r\nContent-Length: ${
      new TextEncoder().encode(body).length
    }\r\n\r\n${body}` +
    "POST /containers/0a1b/start HTTP/1.1\r\ncontent-length: 0\r\n\r\n" +
    "GET /_ping HTTP/1.1\r\n\r\n";
  const expected = ["GET /containers/json", "POST /containers/create", "POST /containers/{}/start", "GET /_ping"];
  for (const size of [1, 7, 64, 10_000]) assert.deepEqual(countIn(text, size), expected, `${size} bytes at a time`);
});

Deno.test("RequestCounter stops at an upgrade, a body of unknown length, and anything that is no request", () => {
  const next = "GET /info HTTP/1.1\r\n\r\n";
  const cases: [text: string, expected: string[]][] = [
    [`POST /exec/0a/start HTTP/1.1\r\nUpgrade: tcp\r\n\r\n${next}`, ["POST /exec/{}/start"]],
    [`POST /build HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${next}`, ["POST /build"]],
    [`\x16\x03\x01\r\n\r\n${next}`, []],
  ];
  for (const [text, expected] of cases) assert.deepEqual(countIn(text, 5), expected);
});

Deno.test("requestName() leaves out version, ids and query", () => {
  const cases: [method: string, path: string, expected: string][] = [
    ["GET", "/v1.45/containers/0a1b/json", "GET /containers/{}/json"],
    ["GET", "/containers/json?all=1", "GET /containers/json"],
    ["GET", "/containers/0a1b/logs?follow=1&tail=10", "GET /containers/{}/logs"],
    ["DELETE", "/containers/0a1b?force=1", "DELETE /containers/{}"],
    ["GET", "/images/127.0.0.1:5002/apps/a:1/json", "GET /images/{}/json"],
    ["POST", "/images/create?fromImage=a", "POST /images/create"],
    ["GET", "/system/df", "GET /system/df"],
    ["GET", "/events", "GET /events"],
  ];
  for (const [method, path, expected] of cases) assert.equal(requestName(method, path), expected);
});
