import assert from "node:assert/strict";
import type { ObservedApp, ObservedContainer } from "../../../../lib/apps/state/observed_app.ts";
import type { Given } from "../../../../lib/apps/plan/given.ts";
import { plan } from "../../../../lib/apps/plan/plan.ts";
import type { Goal, Step } from "../../../../lib/apps/plan/steps.ts";
import { type Effect, runTransition, type StepExecutor } from "../../../../lib/apps/work/transition.ts";
import { AgentError } from "../../../../lib/base/errors.ts";
import { silentLog } from "../../../../lib/base/log.ts";
import { FakeClock } from "../../../fakes/fake_clock.ts";

/** Starts an app whose image is there; `change` replaces the effect of a step. */
class Executor implements StepExecutor {
  readonly steps: string[] = [];
  observations = 0;
  #container: ObservedContainer | undefined;
  readonly #change: (step: Step) => Effect | undefined;

  constructor(change: (step: Step) => Effect | undefined = () => undefined) {
    this.#change = change;
  }

  plan(goal: Goal, given: Omit<Given, "wanted">) {
    const newest = { version: "1", releaseKey: 1 };
    return plan(goal, { ...given, wanted: { appName: "Shop", version: "1", newest, fallback: undefined } });
  }

  observe(signal: AbortSignal): Promise<ObservedApp> {
    signal.throwIfAborted();
    this.observations += 1;
    return Promise.resolve({ containers: this.#container === undefined ? [] : [this.#container], tags: ["1"] });
  }

  perform(step: Step): Promise<Effect> {
    this.steps.push(step.kind);
    if (step.kind === "removeContainer") this.#container = undefined;
    if (step.kind === "createContainer") {
      this.#container = { id: `c${this.steps.length}`, name: "prod_7_shop", status: "created" };
      return Promise.resolve({ kind: "created", container: this.#container });
    }
    return Promise.resolve(this.#change(step) ?? { kind: "done" });
  }
}

function options(signal = new AbortController().signal) {
  const seen: string[] = [];
  return { signal, clock: new FakeClock(), log: silentLog, onStep: (step: Step) => seen.push(step.kind), seen };
}

Deno.test("runTransition() performs the steps of the plan in order and announces each", async () => {
  const executor = new Executor();
  const given = options();
  assert.deepEqual(await runTransition("run", executor, given), { kind: "reached" });
  assert.deepEqual(executor.steps, [
    ...["clearHistory", "say", "report", "createContainer", "startContainer", "awaitStartup", "report", "say"],
    "followLogs",
  ]);
  assert.deepEqual(given.seen, executor.steps);
});

Deno.test("runTransition() creates another container when the first one cannot be used", async () => {
  let tries = 0;
  const executor = new Executor((step) =>
    step.kind === "startContainer" && tries++ < 2 ? { kind: "again" } : undefined
  );
  assert.deepEqual(await runTransition("run", executor, options()), { kind: "reached" });
  assert.deepEqual(executor.steps.slice(3, 12), [
    ...["createContainer", "startContainer", "removeContainer"],
    ...["createContainer", "startContainer", "removeContainer"],
    ...["createContainer", "startContainer", "awaitStartup"],
  ]);
});

Deno.test("runTransition() ends with the step that failed", async () => {
  const error = new AgentError("start_failed", "no");
  const executor = new Executor((step) => {
    if (step.kind === "awaitStartup") throw error;
    return undefined;
  });
  assert.deepEqual(await runTransition("run", executor, options()), {
    kind: "failed",
    error,
    step: { kind: "awaitStartup" },
  });
});

Deno.test("runTransition() ends when the app's process exits", async () => {
  const error = new AgentError("start_failed", "the container has exited");
  const executor = new Executor((step) =>
    step.kind === "awaitStartup" ? { kind: "exited", exitCode: 3, wasKilled: false, error } : undefined
  );
  const ending = await runTransition("run", executor, options());
  assert.deepEqual(ending, { kind: "exited", exitCode: 3, wasKilled: false, error, step: { kind: "awaitStartup" } });
});

Deno.test("M12: runTransition() is canceled when its signal ends, whatever the aborted call throws", async () => {
  const controller = new AbortController();
  const executor = new Executor((step) => {
    if (step.kind !== "report") return undefined;
    controller.abort();
    throw new AgentError("engine_unreachable", "socket hang up");
  });
  assert.deepEqual(await runTransition("run", executor, options(controller.signal)), { kind: "canceled" });
});

Deno.test("runTransition() gives up on a plan that does not end", async () => {
  const executor = new Executor((step) => step.kind === "startContainer" ? { kind: "again" } : undefined);
  const ending = await runTransition("run", executor, options());
  assert.equal(ending.kind === "failed" && ending.error instanceof AgentError && ending.error.code, "internal");
});

Deno.test("runTransition() observes at first, and then only after steps whose effect does not tell enough", async () => {
  const executor = new Executor();
  await runTransition("run", executor, options());
  const changes = executor.steps.filter((kind) =>
    ["readPull", "removeContainer", "awaitGone", "untagImages"].includes(kind)
  );
  assert.ok(executor.steps.includes("createContainer") && executor.steps.includes("awaitStartup"));
  assert.equal(executor.observations, 1 + changes.length);
});

for (
  const { name, containers, observations } of [
    { name: "of a new app", containers: [], observations: 1 },
    { name: "next to a container", containers: [{ id: "c0", name: "prod_7_shop", status: "exited" }], observations: 2 },
  ]
) {
  Deno.test(`runTransition() observes ${observations} times for the pull ${name}`, async () => {
    let count = 0;
    const executor: StepExecutor = {
      plan: (goal, given) => new Executor().plan(goal, given),
      observe: () => {
        count += 1;
        return Promise.resolve({ containers, tags: count === 1 ? [] : ["1"] });
      },
      perform: () => Promise.resolve({ kind: "done" }),
    };
    const given = options();
    assert.deepEqual(await runTransition("install", executor, given), { kind: "reached" });
    assert.ok(given.seen.includes("readPull"));
    assert.equal(count, observations);
  });
}
