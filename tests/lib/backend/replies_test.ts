import assert from "node:assert/strict";
import {
  readAddress,
  readDeviceMetadata,
  readRemotePort,
  readSubscriptionIds,
  readToken,
} from "../../../lib/backend/replies.ts";

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

Deno.test("readRemotePort() returns the port that was granted, and takes nothing else for one", () => {
  assert.equal(readRemotePort([{ remote_port: 31_007, more: true }]), 31_007);
  const refused: [args: unknown[], text: string][] = [
    [[], "arguments is empty"],
    ...[null, 31_007, "31007", [31_007]].map((first): [unknown[], string] => [[first], "failed to parse payload"]),
    ...[{}, { remote_port: 0 }, { remote_port: -1 }, { remote_port: 1.5 }, { remote_port: 65_536 }].map(
      (first): [unknown[], string] => [[first], "failed to parse remote_port"],
    ),
  ];
  for (const [args, message] of refused) {
    assert.throws(() => readRemotePort(args), { code: "bad_request", message }, JSON.stringify(args));
  }
});
