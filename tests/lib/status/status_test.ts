import assert from "node:assert/strict";
import { AgentError } from "../../../lib/base/errors.ts";
import { silentLog } from "../../../lib/base/log.ts";
import { createStatus } from "../../../lib/status/status.ts";
import { FakeClock } from "../../fakes/fake_clock.ts";

Deno.test("every heartbeat reports the status, and onHeartbeat() follows those that arrived", async () => {
  const clock = new FakeClock();
  const events: string[] = [];
  let isAnswering = true;
  await using status = createStatus({
    backend: {
      updateDeviceStatus: ({ status }) => {
        events.push(status);
        if (!isAnswering) return Promise.reject(new AgentError("timeout", "no answer"));
        return Promise.resolve({ baseUrl: "https://studio.example.com" });
      },
    },
    readStats: () => Promise.resolve({}),
    tunnelCapable: () => false,
    isEmergency: () => false,
    isConnected: () => true,
    lastTrafficAt: () => undefined,
    reconnect: (reason) => void events.push(reason),
    onHeartbeat: () => void events.push("arrived"),
    clock,
    log: silentLog,
  });
  status.beginBoot();
  status.restartHeartbeat();
  assert.equal(status.baseUrl, undefined);
  await clock.advance(30_000);
  assert.equal(status.baseUrl, "https://studio.example.com");
  status.finishBoot();
  isAnswering = false;
  await clock.advance(60_000);
  assert.deepEqual(events, ["CONFIGURING", "arrived", "CONNECTED", "CONNECTED", "2 heartbeats in a row failed"]);
});
