import assert from "node:assert/strict";
import { readAddress, readDeviceMetadata, readSubscriptionIds, readToken } from "../../../lib/backend/replies.ts";

const huge = "x".repeat(1_000_000);

Deno.test("#3: readDeviceMetadata() takes a name that is too long for none", () => {
  const names = { device_name: huge, swarm_name: { a: [huge] }, ownername: "acme" };
  assert.deepEqual(readDeviceMetadata({ swarm_key: 12, ...names }), { swarmKey: 12, swarmOwnerName: "acme" });
});

Deno.test("#3: tokens, addresses and lists of subscriptions have bounds", () => {
  const options = { name: "registry_token", mayBeEmpty: true };
  assert.equal(readToken("x".repeat(65_536), options), "x".repeat(65_536));
  assert.throws(() => readToken(huge, options), { message: "invalid registry_token payload" });
  assert.deepEqual(["https://studio.example.com", "", huge, 5].map(readAddress), [
    "https://studio.example.com",
    undefined,
    undefined,
    undefined,
  ]);
  assert.equal(readSubscriptionIds(Array.from({ length: 1_000_000 }, () => 1)).length, 10_000);
});
