import assert from "node:assert/strict";
import { clientWaitMs } from "../../../lib/tunnels/restart_wait.ts";

Deno.test("a client that cannot start is tried after 2, 4, 8, 16, 32 s, and then every five minutes", () => {
  const waits = [1, 2, 3, 4, 5, 6, 7, 1_000].map((failedStarts) => clientWaitMs({ failedStarts, quickEnds: 0 }, 0.5));
  assert.deepEqual(waits, [2_000, 4_000, 8_000, 16_000, 32_000, 300_000, 300_000, 300_000]);
});

Deno.test("a client that was killed is back within two seconds, twenty times in a row", () => {
  for (let quickEnds = 1; quickEnds <= 20; quickEnds += 1) {
    assert.ok(clientWaitMs({ failedStarts: 0, quickEnds }, 1) < 2_000);
  }
  assert.equal(clientWaitMs({ failedStarts: 0, quickEnds: 1 }, 0.5), 200);
});

Deno.test("a client that ends again and again is left alone for up to five minutes", () => {
  assert.equal(clientWaitMs({ failedStarts: 0, quickEnds: 21 }, 0.5), 3_000);
  assert.equal(clientWaitMs({ failedStarts: 0, quickEnds: 1_000 }, 0.5), 300_000);
});

Deno.test("waits of a fleet are spread by 20 percent", () => {
  assert.equal(clientWaitMs({ failedStarts: 1, quickEnds: 0 }, 0), 1_600);
  assert.equal(clientWaitMs({ failedStarts: 1, quickEnds: 0 }, 1), 2_400);
});
