import assert from "node:assert/strict";
import { isDict } from "../../../lib/base/json.ts";
import { getAgentMetadata, updateAgent } from "../../../lib/handlers/system.ts";
import { fakeDevice, never } from "../../fakes/fake_handler_device.ts";

const noCall = { args: [], kwargs: {}, caller: "system", signal: never };

Deno.test("get_agent_metadata tells how the latest update ended, once there was one", async () => {
  const lastUpdate = { from: "0.20.0", to: "0.21.0", outcome: "updated", why: "" } as const;
  const selfUpdate = {
    lastUpdate: () => Promise.resolve(lastUpdate),
    readLatestVersion: () => Promise.reject(new Error()),
  };
  const { args: [metadata] = [] } = await getAgentMetadata(fakeDevice({ selfUpdate }), undefined, noCall);
  assert.ok(isDict(metadata));
  assert.deepEqual(metadata.lastUpdate, lastUpdate);
});

Deno.test("update_agent answers with all eight fields", async () => {
  const answer = {
    current: "0.21.0",
    latest: "0.22.0",
    message: "m",
    isPlaced: true,
    isInProgress: false,
    sizeBytes: 7,
    last: undefined,
  };
  const last = { from: "0.21.0", to: "0.22.0", outcome: "ready", why: "" } as const;
  const fixed = { CurrentVersion: "0.21.0", LatestVersion: "0.22.0", Message: "m", DidTunnelUpdate: false };
  const cases = [
    [answer, { DidAgentUpdate: true, DidUpdate: true, InProgress: false, TotalFileSize: 7 }],
    [{ ...answer, last }, {
      DidAgentUpdate: true,
      DidUpdate: true,
      InProgress: false,
      TotalFileSize: 7,
      lastUpdate: last,
    }],
    [
      { ...answer, isPlaced: false, isInProgress: true, sizeBytes: 0 },
      { DidAgentUpdate: false, DidUpdate: false, InProgress: true, TotalFileSize: 0 },
    ],
  ] as const;
  for (const [update, expected] of cases) {
    const reply = await updateAgent(fakeDevice({ selfUpdate: { update: () => Promise.resolve(update) } }));
    assert.deepEqual(reply, { args: [{ ...fixed, ...expected }] });
  }
});
