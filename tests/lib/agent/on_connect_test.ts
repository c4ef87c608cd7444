import assert from "node:assert/strict";
import { AgentError } from "../../../lib/base/errors.ts";
import { silentLog } from "../../../lib/base/log.ts";
import { type OnConnectDeps, runOnConnect } from "../../../lib/agent/on_connect.ts";
import type { Session } from "../../../lib/wamp/session.ts";
import { FakeClock } from "../../fakes/fake_clock.ts";
import type { ConnectPhase, ConnectStep } from "../../../lib/backend/connect_step.ts";
import { identityStep } from "../../../lib/agent/device_steps.ts";
import { sampleConfig } from "../../fakes/fake_surroundings.ts";

const session: Session = {
  id: 1,
  isOpen: true,
  closed: new Promise(() => {}),
  call: () => Promise.resolve({ args: [], kwargs: {} }),
  register: () => Promise.reject(new AgentError("internal", "not used")),
  subscribe: () => Promise.reject(new AgentError("internal", "not used")),
  publish: () => Promise.resolve(),
  close: () => Promise.resolve(),
  waitingBytes: 0,
  lastHeardMs: 0,
};

type Fault = (step: string, attempt: number) => boolean;

/** A connect on which the steps fail that a test says. `told` has the steps that were tried, those that failed with a `!`. */
function begin(fails: Fault = () => false, options: { swarmKey?: number } = {}) {
  const clock = new FakeClock();
  const end = new AbortController();
  const told: string[] = [];
  const repeated: boolean[] = [];
  const attempts = new Map<string, number>();
  let isBooting = false;
  const step = (name: string): Promise<void> => {
    const attempt = (attempts.get(name) ?? 0) + 1;
    attempts.set(name, attempt);
    const isFault = fails(name, attempt);
    told.push(isFault ? `${name}!` : name);
    return isFault ? Promise.reject(new AgentError("call_failed", `${name} failed`)) : Promise.resolve();
  };
  const config = sampleConfig();
  const backend = {
    readDeviceMetadata: async () => {
      await step("identity");
      return { swarmKey: options.swarmKey ?? config.swarmKey };
    },
  };
  const refresh = (meta: { swarmKey: number }) =>
    Promise.resolve({ swarmKeyChanged: meta.swarmKey !== config.swarmKey });
  const plain = (name: string, phase: ConnectPhase, callsBackend: boolean): ConnectStep => {
    return { name, phase, callsBackend, run: () => step(name) };
  };
  const apps: ConnectStep["run"] = ({ isRepeated }) => {
    repeated.push(isRepeated);
    return step("apps");
  };
  const deps: OnConnectDeps = {
    steps: [
      identityStep({ config: { refresh }, backend }),
      plain("logs", "restore", false),
      plain("key", "prepare", true),
      { ...plain("apps", "restore", true), run: apps },
      plain("register", "serve", false),
      plain("facts", "serve", true),
    ],
    status: {
      beginBoot: () => void (isBooting = true),
      finishBoot: () => void (isBooting = false),
      report: () => step(isBooting ? "CONFIGURING" : "CONNECTED"),
    },
    onBooted: () => {},
    reconnect: (reason) => void told.push(`reconnect: ${reason}`),
    clock,
    random: () => 0,
    log: silentLog,
  };
  return { told, repeated, clock, end, done: runOnConnect(deps, session, end.signal) };
}

const all = ["identity", "key", "CONFIGURING", "register", "facts", "logs", "apps", "CONNECTED"];

Deno.test("a connect does everything in order, and says CONNECTED last", async () => {
  const { told, done } = begin();
  await done;
  assert.deepEqual(told, all);
});

Deno.test("a device that was moved to another project does nothing but connect anew", async () => {
  const { told, done } = begin(() => false, { swarmKey: 99 });
  await done;
  assert.deepEqual(told, ["identity", "reconnect: the device belongs to another project"]);
});

Deno.test("a router whose backend is away gets the procedures, and everything else once the backend is back", async () => {
  let isAway = true;
  const { told, done, clock } = begin((name) => isAway && name !== "register" && name !== "logs");
  await clock.advance(20_000);
  assert.deepEqual(told.slice(0, 5), ["identity!", "key!", "CONFIGURING!", "register", "facts!"]);
  assert.ok(!told.includes("apps!"), "the apps wait for the backend");
  isAway = false;
  await clock.advance(10_000);
  await done;
  assert.deepEqual(told.slice(-7), ["identity", "key", "CONFIGURING", "facts", "logs", "apps", "CONNECTED"]);
  assert.equal(told.filter((entry) => entry === "register").length, 1);
});

Deno.test("a step that the backend refuses for ever keeps the device neither from its apps nor from CONNECTED", async () => {
  for (const name of ["identity", "key", "facts", "logs", "apps", "register"]) {
    const { told, clock, end, done } = begin((step) => step === name);
    await clock.advance(10_000);
    assert.ok(told.includes("CONNECTED"), name);
    assert.ok(told.filter((entry) => entry === `${name}!`).length > 2, `${name} is tried again`);
    end.abort();
    await assert.rejects(done, { code: "canceled" });
  }
});

Deno.test("one answer of the backend is enough for the apps, whichever it is", async () => {
  const asked = ["identity", "key", "CONFIGURING", "facts"];
  for (const answered of asked) {
    const { told, repeated, clock, end, done } = begin((name) => asked.includes(name) && name !== answered);
    await clock.advance(0);
    assert.deepEqual(told.filter((entry) => entry.startsWith("apps")), ["apps"], answered);
    assert.deepEqual(repeated, [false], answered);
    end.abort();
    await assert.rejects(done, { code: "canceled" });
  }
});

Deno.test("the apps are not touched while the backend answers nothing, however often it is asked", async () => {
  const asked = ["identity", "key", "CONFIGURING", "facts"];
  const { told, repeated, clock, end, done } = begin((name) => asked.includes(name));
  await clock.advance(600_000);
  assert.ok(told.filter((entry) => entry === "identity!").length > 10);
  assert.deepEqual(repeated, []);
  end.abort();
  await assert.rejects(done, { code: "canceled" });
});

Deno.test("the apps are taken over anew after a failure, and told that it is a repetition, on each connect from the beginning", async () => {
  for (let connect = 0; connect < 2; connect += 1) {
    const { told, repeated, clock, done } = begin((name, attempt) => name === "apps" && attempt <= 2);
    await clock.advance(10_000);
    await done;
    assert.deepEqual(told.filter((entry) => entry.startsWith("apps")), ["apps!", "apps!", "apps"]);
    assert.deepEqual(repeated, [false, true, true]);
  }
});

Deno.test("a refused CONNECTED is said again", async () => {
  const { told, done, clock } = begin((name, attempt) => name === "CONNECTED" && attempt <= 2);
  await clock.advance(10_000);
  await done;
  assert.deepEqual(told.slice(-3), ["CONNECTED!", "CONNECTED!", "CONNECTED"]);
});

Deno.test("the end of the session ends the run", async () => {
  const { end, done, clock } = begin((name) => name === "CONNECTED");
  await clock.advance(1_000);
  end.abort();
  await assert.rejects(done, { code: "canceled" });
});
