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
    isEngineAvailable: () => Promise.resolve(true),
    tunnelCapable: () => false,
    isEmergency: () => false,
    adoptUpdateUrl: () => Promise.resolve(),
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

Deno.test("change 2.9: reportSoon() reports in the background, never twice at once, and only on a connection", async () => {
  const clock = new FakeClock();
  const sent: unknown[] = [];
  let isConnected = false;
  let answer = Promise.withResolvers<{ baseUrl?: string }>();
  await using status = createStatus({
    backend: {
      updateDeviceStatus: ({ stats }) => {
        sent.push(stats);
        return answer.promise;
      },
    },
    readStats: () => Promise.resolve({}),
    isEngineAvailable: () => Promise.resolve(sent.length > 0),
    tunnelCapable: () => false,
    isEmergency: () => false,
    adoptUpdateUrl: () => Promise.resolve(),
    isConnected: () => isConnected,
    lastTrafficAt: () => undefined,
    reconnect: () => {},
    onHeartbeat: () => {},
    clock,
    log: silentLog,
  });
  status.reportSoon();
  await clock.advance(1_000);
  assert.deepEqual(sent, []);
  isConnected = true;
  for (let round = 0; round < 10; round += 1) {
    status.reportSoon();
    await clock.advance(100);
  }
  assert.deepEqual(sent, [{ docker_available: false }]);
  answer.reject(new AgentError("timeout", "no answer"));
  answer = Promise.withResolvers();
  await clock.advance(1_000);
  assert.deepEqual(sent, [{ docker_available: false }, { docker_available: true }]);
  answer.resolve({});
  await clock.advance(60_000);
  assert.equal(sent.length, 2);
});
