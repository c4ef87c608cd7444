import assert from "node:assert/strict";
import { refusePage } from "../../../lib/http/web_request.ts";

const names = ["pump.lan", "192.168.1.5", "[fe80::1]"];

const rows: [headers: Record<string, string>, isAllowed: boolean][] = [
  [{ host: "127.0.0.1:8080" }, true],
  [{ host: "127.1.2.3" }, true],
  [{ host: "127.1" }, true],
  [{ host: "localhost:8080" }, true],
  [{ host: "LOCALHOST" }, true],
  [{ host: "[::1]:8080" }, true],
  [{ host: "[0:0:0:0:0:0:0:1]" }, true],
  [{ host: "pump.lan:80" }, true],
  [{ host: "PUMP.lan" }, true],
  [{ host: "192.168.1.5:8080" }, true],
  [{ host: "[FE80:0::1]:1" }, true],
  [{}, false],
  [{ host: "" }, false],
  [{ host: "evil.example" }, false],
  [{ host: "evil.example:8080" }, false],
  [{ host: "127.0.0.1.evil.example" }, false],
  [{ host: "localhost.evil.example" }, false],
  [{ host: "evil.example/127.0.0.1" }, false],
  [{ host: "evil.example@127.0.0.1" }, false],
  [{ host: "127.0.0.1@evil.example" }, false],
  [{ host: "127.0.0.1 evil.example" }, false],
  [{ host: "127.0.0.1, evil.example" }, false],
  [{ host: "192.168.1.6" }, false],
  [{ host: "0.0.0.0:8080" }, false],
  [{ host: "x.pump.lan" }, false],
  [{ host: "localhost", origin: "http://localhost:5173" }, true],
  [{ host: "localhost", origin: "http://127.0.0.1:8080" }, true],
  [{ host: "localhost", origin: "https://pump.lan" }, true],
  [{ host: "localhost", origin: "http://localhost:5173", "sec-fetch-site": "cross-site" }, true],
  [{ host: "localhost", origin: "https://evil.example" }, false],
  [{ host: "localhost", origin: "null" }, false],
  [{ host: "localhost", origin: "" }, false],
  [{ host: "localhost", origin: "file://" }, false],
  [{ host: "localhost", origin: "chrome-extension://localhost" }, false],
  [{ host: "localhost", origin: "http://localhost.evil.example" }, false],
  [{ host: "localhost", origin: "http://localhost", "sec-websocket-origin": "https://evil.example" }, false],
  [{ host: "localhost", "sec-websocket-origin": "https://evil.example" }, false],
  [{ host: "localhost", "sec-fetch-site": "none" }, true],
  [{ host: "localhost", "sec-fetch-site": "same-origin" }, true],
  [{ host: "localhost", "sec-fetch-site": "cross-site" }, false],
  [{ host: "localhost", "sec-fetch-site": "same-site" }, false],
  [{ host: "localhost", "sec-fetch-site": "anything" }, false],
];

Deno.test("#15: refusePage() lets programs in under the server's own names, and pages of its own only", () => {
  for (const [headers, isAllowed] of rows) {
    const refusal = refusePage((name) => headers[name], names);
    assert.equal(refusal === undefined, isAllowed, `${JSON.stringify(headers)}: ${refusal}`);
  }
});

Deno.test("#15: without names only those of loopback count", () => {
  assert.equal(refusePage((name) => name === "host" ? "127.0.0.1" : null), undefined);
  assert.notEqual(refusePage((name) => name === "host" ? "pump.lan" : null), undefined);
});
