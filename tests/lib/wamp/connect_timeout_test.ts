import assert from "node:assert/strict";
import { ConnectTimeout } from "../../../lib/wamp/connect_timeout.ts";

Deno.test("ConnectBound doubles while dials time out, up to 20 s", () => {
  const bound = new ConnectTimeout(1_250);
  const seen = [bound.ms];
  for (let dial = 0; dial < 5; dial++) {
    bound.onTimeout();
    seen.push(bound.ms);
  }
  assert.deepEqual(seen, [1_250, 2_500, 5_000, 10_000, 20_000, 20_000]);
});

Deno.test("ConnectBound keeps what a slow link needs and returns to the first bound on a quick one", () => {
  const bound = new ConnectTimeout(1_250);
  bound.onTimeout();
  bound.onTimeout();
  bound.onConnected(1_900);
  assert.equal(bound.ms, 7_600);
  bound.onConnected(20);
  assert.equal(bound.ms, 1_250);
  bound.onConnected(15_000);
  assert.equal(bound.ms, 20_000);
});

Deno.test("ConnectBound does not shrink a long first bound, and 0 stands for two minutes", () => {
  const long = new ConnectTimeout(30_000);
  long.onTimeout();
  assert.equal(long.ms, 30_000);
  const none = new ConnectTimeout(0);
  none.onTimeout();
  none.onConnected(10);
  assert.equal(none.ms, 120_000);
});
