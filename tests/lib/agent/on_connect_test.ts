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

/** A connect on which the steps fail that a test names. */
class FakeConnect {
  readonly clock = new FakeClock();
  readonly end = new AbortController();
  /** The steps that were tried; those that failed end with a `!`. */
  readonly tried: string[] = [];
  /** For each attempt to take over the apps: whether it was marked as repeated. */
  readonly repeated: boolean[] = [];
  readonly done: Promise<void>;
  readonly #fails: Fault;
  readonly #attempts = new Map<string, number>();
  #isBooting = false;

  constructor(fails: Fault = () => false, options: { swarmKey?: number } = {}) {
    this.#fails = fails;
    const deps: OnConnectDeps = {
      steps: this.#steps(options),
      status: {
        beginBoot: () => void (this.#isBooting = true),
        finishBoot: () => void (this.#isBooting = false),
        report: () => this.#try(this.#isBooting ? "CONFIGURING" : "CONNECTED"),
      },
      onBooted: () => {},
      reconnect: (reason) => void this.tried.push(`reconnect: ${reason}`),
      clock: this.clock,
      random: () => 0,
      log: silentLog,
    };
    this.done = runOnConnect(deps, session, this.end.signal);
  }

  #steps({ swarmKey }: { swarmKey?: number }): ConnectStep[] {
    const step = (name: string, phase: ConnectPhase, callsBackend: boolean): ConnectStep => {
      return { name, phase, callsBackend, run: () => this.#try(name) };
    };
    const takeOverApps: ConnectStep["run"] = ({ isRepeated }) => {
      this.repeated.push(isRepeated);
      return this.#try("apps");
    };
    return [
      this.#identityStep(swarmKey),
      step("logs", "restore", false),
      step("key", "prepare", true),
      { ...step("apps", "restore", true), run: takeOverApps },
      step("register", "serve", false),
      step("metadata", "serve", true),
    ];
  }

  #identityStep(swarmKey: number | undefined): ConnectStep {
    const config = sampleConfig();
    const readDeviceMetadata = async () => {
      await this.#try("identity");
      return { swarmKey: swarmKey ?? config.swarmKey };
    };
    const refresh: Parameters<typeof identityStep>[0]["config"]["refresh"] = (known) => {
      return Promise.resolve({ swarmKeyChanged: known.swarmKey !== config.swarmKey });
    };
    return identityStep({ config: { refresh }, backend: { readDeviceMetadata } });
  }

  #try(name: string): Promise<void> {
    const attempt = (this.#attempts.get(name) ?? 0) + 1;
    this.#attempts.set(name, attempt);
    const isFault = this.#fails(name, attempt);
    this.tried.push(isFault ? `${name}!` : name);
    return isFault ? Promise.reject(new AgentError("call_failed", `${name} failed`)) : Promise.resolve();
  }
}

const all = ["identity", "key", "CONFIGURING", "register", "metadata", "logs", "apps", "CONNECTED"];

Deno.test("a connect runs all steps in order and reports CONNECTED last", async () => {
  const { tried, done } = new FakeConnect();
  await done;
  assert.deepEqual(tried, all);
});

Deno.test("a device that was moved to another project only connects again", async () => {
  const { tried, done } = new FakeConnect(() => false, { swarmKey: 99 });
  await done;
  assert.deepEqual(tried, ["identity", "reconnect: the device belongs to another project"]);
});

Deno.test("while the backend is away the procedures are registered; everything else follows once it is back", async () => {
  let isAway = true;
  const { tried, done, clock } = new FakeConnect((name) => isAway && name !== "register" && name !== "logs");
  await clock.advance(20_000);
  assert.deepEqual(tried.slice(0, 5), ["identity!", "key!", "CONFIGURING!", "register", "metadata!"]);
  assert.ok(!tried.includes("apps!"), "the apps wait for the backend");
  isAway = false;
  await clock.advance(10_000);
  await done;
  assert.deepEqual(tried.slice(-7), ["identity", "key", "CONFIGURING", "metadata", "logs", "apps", "CONNECTED"]);
  assert.equal(tried.filter((entry) => entry === "register").length, 1);
});

Deno.test("a step that the backend refuses for ever prevents neither the apps nor CONNECTED", async () => {
  for (const name of ["identity", "key", "metadata", "logs", "apps", "register"]) {
    const { tried, clock, end, done } = new FakeConnect((step) => step === name);
    await clock.advance(10_000);
    assert.ok(tried.includes("CONNECTED"), name);
    assert.ok(tried.filter((entry) => entry === `${name}!`).length > 2, `${name} is tried again`);
    end.abort();
    await assert.rejects(done, { code: "canceled" });
  }
});

Deno.test("one answer of the backend is enough for the apps, whichever it is", async () => {
  const asked = ["identity", "key", "CONFIGURING", "metadata"];
  for (const answered of asked) {
    const { tried, repeated, clock, end, done } = new FakeConnect((name) => asked.includes(name) && name !== answered);
    await clock.advance(0);
    assert.deepEqual(tried.filter((entry) => entry.startsWith("apps")), ["apps"], answered);
    assert.deepEqual(repeated, [false], answered);
    end.abort();
    await assert.rejects(done, { code: "canceled" });
  }
});

Deno.test("the apps are not touched while the backend answers nothing", async () => {
  const asked = ["identity", "key", "CONFIGURING", "metadata"];
  const { tried, repeated, clock, end, done } = new FakeConnect((name) => asked.includes(name));
  await clock.advance(600_000);
  assert.ok(tried.filter((entry) => entry === "identity!").length > 10);
  assert.deepEqual(repeated, []);
  end.abort();
  await assert.rejects(done, { code: "canceled" });
});

Deno.test("a failed attempt to take over the apps is repeated, and marked as repeated, on each connect", async () => {
  for (let connect = 0; connect < 2; connect += 1) {
    const { tried, repeated, clock, done } = new FakeConnect((name, attempt) => name === "apps" && attempt <= 2);
    await clock.advance(10_000);
    await done;
    assert.deepEqual(tried.filter((entry) => entry.startsWith("apps")), ["apps!", "apps!", "apps"]);
    assert.deepEqual(repeated, [false, true, true]);
  }
});

Deno.test("a refused CONNECTED is reported again", async () => {
  const { tried, done, clock } = new FakeConnect((name, attempt) => name === "CONNECTED" && attempt <= 2);
  await clock.advance(10_000);
  await done;
  assert.deepEqual(tried.slice(-3), ["CONNECTED!", "CONNECTED!", "CONNECTED"]);
});

Deno.test("the end of the session ends the run", async () => {
  const { end, done, clock } = new FakeConnect((name) => name === "CONNECTED");
  await clock.advance(1_000);
  end.abort();
  await assert.rejects(done, { code: "canceled" });
});
