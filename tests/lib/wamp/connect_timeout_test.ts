import assert from "node:assert/strict";
import { ConnectTimeout } from "../../../lib/wamp/connect_timeout.ts";

Deno.test("ConnectTimeout doubles while dials time out, up to 20 s", () => {
  const timeout = new ConnectTimeout(1_250);
  const seen = [timeout.ms];
  for (let dial = 0; dial < 5; dial++) {
    timeout.onTimeout();
    seen.push(timeout.ms);
  }
  assert.deepEqual(seen, [1_250, 2_500, 5_000, 10_000, 20_000, 20_000]);
});

Deno.test("ConnectTimeout keeps what a slow network needs and returns to the first timeout on a fast one", () => {
  const timeout = new ConnectTimeout(1_250);
  timeout.onTimeout();
  timeout.onTimeout();
  timeout.onConnected(1_900);
  assert.equal(timeout.ms, 7_600);
  timeout.onConnected(20);
  assert.equal(timeout.ms, 1_250);
  timeout.onConnected(15_000);
  assert.equal(timeout.ms, 20_000);
});

Deno.test("ConnectTimeout does not shrink a long first timeout, and 0 stands for two minutes", () => {
  const long = new ConnectTimeout(30_000);
  long.onTimeout();
  assert.equal(long.ms, 30_000);
  const none = new ConnectTimeout(0);
  none.onTimeout();
  none.onConnected(10);
  assert.equal(none.ms, 120_000);
});
