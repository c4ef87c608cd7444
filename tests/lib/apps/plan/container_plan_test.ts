import assert from "node:assert/strict";
import { type ObservedApp, type ObservedContainer, soleContainer } from "../../../../lib/apps/state/observed_app.ts";
import type { AppState } from "../../../../lib/model/app.ts";
import type { Wanted } from "../../../../lib/apps/plan/given.ts";
import { plan } from "../../../../lib/apps/plan/plan.ts";
import { type BuildGoal, type Goal, type Progress, type Step, stepKey } from "../../../../lib/apps/plan/steps.ts";

const wanted: Wanted = { appName: "Shop", version: "1", newest: { version: "2", releaseKey: 8 }, fallback: undefined };
const nothing: Progress = { done: new Set(), createdContainer: undefined };
const empty: ObservedApp = { containers: [], tags: [] };
const old = container("running");

function container(status: string): ObservedContainer {
  return { id: "old", name: "prod_7_shop", status };
}

/** The steps that change what the engine has. */
type EngineStep = Extract<
  Step,
  | { kind: "openPull" | "readPull" | "untagImages" }
  | { kind: "createContainer" | "startContainer" | "stopContainer" | "removeContainer" | "awaitGone" }
>;

/** A device in memory: what steps do to it, and what can be observed of it. */
class PlannedDevice {
  version = wanted.version;
  fallback: string | undefined;
  container: (ObservedContainer & { tag: string }) | undefined;
  tags: string[];
  hasData = true;
  /** The image is there as soon as its pull is open. */
  isQuick = false;
  pulled: string | undefined;
  readonly reports: AppState[] = [];
  readonly said: string[] = [];
  readonly steps: Step[] = [];
  #created = 0;

  constructor(observed: ObservedApp) {
    const found = soleContainer(observed);
    this.container = found && { ...found, tag: "1" };
    this.tags = [...observed.tags];
  }

  observe(): ObservedApp {
    return { containers: this.container === undefined ? [] : [{ ...this.container }], tags: [...this.tags] };
  }

  /** Performs the step and returns the id of the container that it has created. */
  do(step: Step): string | undefined {
    this.steps.push(step);
    switch (step.kind) {
      case "report":
        this.reports.push(step.state);
        return;
      case "say":
        this.said.push(step.text);
        return;
      case "openPull":
      case "readPull":
      case "createContainer":
      case "startContainer":
      case "stopContainer":
      case "removeContainer":
      case "awaitGone":
      case "untagImages":
        return this.#changeEngine(step);
      case "openSwitch":
        this.fallback ??= this.version;
        return;
      case "adoptVersion":
        this.version = step.version;
        return;
      case "revertVersion":
        this.version = this.fallback ?? this.version;
        this.fallback = undefined;
        return;
      case "closeUpdate":
        this.fallback = undefined;
        return;
      case "deleteData":
        this.hasData = false;
        return;
      default:
        return;
    }
  }

  #changeEngine(step: EngineStep): string | undefined {
    switch (step.kind) {
      case "openPull":
        this.pulled = step.tag;
        if (this.isQuick && !this.tags.includes(step.tag)) this.tags.push(step.tag);
        return;
      case "readPull":
        assert.equal(this.pulled, step.tag, "a pull is opened before it is read");
        if (!this.tags.includes(step.tag)) this.tags.push(step.tag);
        return;
      case "createContainer":
        assert.equal(this.container, undefined, "the name is free");
        assert.ok(this.tags.includes(step.tag), "the image is there");
        this.container = { ...container("created"), id: `created${++this.#created}`, tag: step.tag };
        return this.container.id;
      case "startContainer":
        assert.ok(this.container);
        this.container.status = "running";
        return;
      case "stopContainer":
        assert.equal(this.container?.id, step.id);
        if (this.container) this.container.status = "exited";
        return;
      case "removeContainer":
      case "awaitGone":
        assert.equal(this.container?.id, step.id);
        this.container = undefined;
        return;
      case "untagImages":
        this.tags = this.tags.filter((tag) => !step.tags.includes(tag));
        return;
    }
  }
}

/** Runs a transition; `stopAfter` ends it after so many steps. */
function drive(goal: Goal, device: PlannedDevice, stopAfter = 100): void {
  let progress = nothing;
  for (let count = 0; count < stopAfter; count += 1) {
    const { version, fallback } = device;
    const [step] = plan(goal, { wanted: { ...wanted, version, fallback }, observed: device.observe(), progress });
    if (step === undefined) return;
    const created = device.do(step);
    progress = {
      done: new Set([...progress.done, stepKey(step)]),
      createdContainer: created ?? progress.createdContainer,
    };
  }
  assert.ok(stopAfter < 100, `the plan for ${goal} does not end`);
}

function run(goal: Goal, observed: ObservedApp): PlannedDevice {
  const device = new PlannedDevice(observed);
  drive(goal, device);
  return device;
}

/** The steps in short. */
function words(device: PlannedDevice): string[] {
  return device.steps.map((step) => {
    switch (step.kind) {
      case "report":
        return step.state;
      case "say":
        return `"${step.text}"`;
      default:
        return step.kind;
    }
  });
}

type ContainerGoal = Exclude<Goal, BuildGoal>;

const goals: ContainerGoal[] = [
  ...["install", "run", "stop", "remove", "uninstall"] as const,
  ...["recoverPresent", "update", "rollBack", "closeUpdate", "tidy", "removeCanceled", "uninstallCanceled"] as const,
];
const statuses = ["created", "running", "paused", "restarting", "removing", "exited", "dead"];
const allObserved: ObservedApp[] = [[], ...statuses.map((status) => [container(status)])].flatMap((containers) =>
  [[], ["1"], ["2"], ["1", "2"], ["0", "1"]].map((tags) => ({ containers, tags }))
);

/** What must be true of the device when a goal is reached. */
const ends: Record<ContainerGoal, (device: PlannedDevice) => boolean> = {
  install: (device) => device.reports.at(-1) === "PRESENT" && device.tags.includes("1"),
  run: (device) =>
    device.reports.at(-1) === "RUNNING" && device.container?.status === "running" &&
    device.container.id.startsWith("created") && device.container.tag === device.version &&
    device.tags.join() === device.version,
  stop: (device) => device.reports.at(-1) === "PRESENT" && device.container === undefined,
  remove: (device) => device.reports.at(-1) === "REMOVED" && isWiped(device),
  removeCanceled: (device) => device.reports.at(-1) === "REMOVED" && isWiped(device),
  uninstall: (device) =>
    device.reports.slice(-2).join() === "REMOVED,UNINSTALLED" && isWiped(device) && !device.hasData,
  uninstallCanceled: (device) => device.reports.join() === "REMOVED,UNINSTALLED" && isWiped(device) && !device.hasData,
  // Nothing that is in use is removed, and nothing is reported.
  tidy: (device) =>
    device.reports.length === 0 && (!device.tags.includes(device.version) || device.tags.join() === device.version),
  recoverPresent: (device) =>
    device.reports.at(-1) === "PRESENT" && device.container === undefined && device.tags.length > 0,
  update: (device) =>
    device.reports.at(-1) === "PRESENT" && device.container === undefined && device.version === "2" &&
    device.tags.includes("2") && device.fallback === "1",
  rollBack: (device) =>
    device.reports.at(-1) === "RUNNING" && device.container?.tag === "1" && device.version === "1" &&
    device.container.status === "running" && device.tags.join() === "1",
  closeUpdate: (device) => device.fallback === undefined && device.tags.every((tag) => tag === device.version),
};

function isWiped(device: PlannedDevice): boolean {
  return device.container === undefined && device.tags.length === 0;
}

Deno.test("M16: plan() of a first run pulls between STARTING and the start, and reports DOWNLOADING once the stream is open", () => {
  assert.deepEqual(words(run("run", empty)), [
    ...["clearViewer", "clearHistory", '"Starting Shop..."', "STARTING"],
    ...['"Initialising download for the app: Shop..."', "openPull", "DOWNLOADING", "readPull"],
    ...['"Succesfully installed the app: Shop (Version: 1)"', "PRESENT"],
    ...["createContainer", "startContainer", "awaitStartup", "RUNNING", '"Now running app Shop (1)"', "followLogs"],
  ]);
});

Deno.test("plan() reads and reports a pull to its end although its image is there before", () => {
  for (const goal of ["run", "install", "recoverPresent"] as const) {
    const device = new PlannedDevice(empty);
    device.isQuick = true;
    drive(goal, device);
    assert.deepEqual(words(device), words(run(goal, empty)));
  }
});

Deno.test("plan() of a run with the image at hand neither clears the viewer nor asks the registry", () => {
  assert.deepEqual(words(run("run", { containers: [], tags: ["1"] })), [
    ...["clearHistory", '"Starting Shop..."', "STARTING", "createContainer", "startContainer", "awaitStartup"],
    ...["RUNNING", '"Now running app Shop (1)"', "followLogs"],
  ]);
});

Deno.test("M25: plan() of a run replaces a container from before, whatever its state", () => {
  for (const status of statuses) {
    const device = run("run", { containers: [container(status)], tags: ["1"] });
    assert.equal(device.container?.id, "created1", status);
  }
});

Deno.test("plan() creates a container again when the first one is gone before the start", () => {
  const done = new Set(["clearHistory", "say Starting Shop...", "report STARTING", "createContainer 1"]);
  const left = plan("run", {
    wanted,
    observed: { ...empty, tags: ["1"] },
    progress: { done, createdContainer: "created1" },
  });
  assert.deepEqual(left.slice(0, 2).map((step) => step.kind), ["createContainer", "startContainer"]);
});

Deno.test("plan() does not create again once the process was started: the startup probe finds out what has become of it", () => {
  const done = new Set([
    "clearHistory",
    "say Starting Shop...",
    "report STARTING",
    "createContainer 1",
    "startContainer",
  ]);
  const left = plan("run", {
    wanted,
    observed: { ...empty, tags: ["1"] },
    progress: { done, createdContainer: "created1" },
  });
  assert.equal(left[0]?.kind, "awaitStartup");
});

Deno.test("M19: plan() of a stop reports STOPPING once, and stops before it removes", () => {
  assert.deepEqual(words(run("stop", { containers: [old], tags: ["1"] })), [
    ...["STOPPING", '"Received stop signal for Shop"', "stopContainer", "removeContainer"],
    ...["PRESENT", '"Successfully stopped Shop"'],
  ]);
});

Deno.test("plan() of a stop without a container is done at once", () => {
  assert.deepEqual(words(run("stop", { containers: [], tags: ["1"] })), [
    ...["PRESENT", '"Successfully stopped Shop"'],
  ]);
});

Deno.test("plan() of an install reports PRESENT after the pull", () => {
  assert.deepEqual(words(run("install", empty)), [
    ...["clearViewer", "clearHistory", '"Initialising download for the app: Shop..."', "openPull"],
    ...["DOWNLOADING", "readPull", '"Succesfully installed the app: Shop (Version: 1)"', "PRESENT"],
  ]);
});

Deno.test("plan() of a removal removes container and tags before it reports REMOVED", () => {
  assert.deepEqual(words(run("remove", { containers: [old], tags: ["1", "2"] })), [
    ...["clearHistory", '"Starting removal process for Shop..."', "DELETING", "stopContainer", "removeContainer"],
    ...["untagImages", "removeVolumes", "deleteEnvFiles", "REMOVED", '"Successfully removed Shop!"'],
  ]);
});

Deno.test("plan() of an uninstall deletes the data before it reports UNINSTALLED", () => {
  assert.deepEqual(words(run("uninstall", { containers: [], tags: [] })).slice(3), [
    ...["removeVolumes", "deleteEnvFiles", "REMOVED", '"Successfully removed Shop!"', "releasePorts", "deleteData"],
    "UNINSTALLED",
  ]);
});

Deno.test("plan() after a canceled pull reports the end only", () => {
  assert.deepEqual(words(run("removeCanceled", { containers: [], tags: ["1"] })), [
    ...["untagImages", "removeVolumes", "deleteEnvFiles", "REMOVED"],
  ]);
});

Deno.test("M63: plan() of an update pulls while the old container runs and keeps the old image", () => {
  const device = run("update", { containers: [old], tags: ["1"] });
  assert.deepEqual(words(device), [
    ...["UPDATING", "clearHistory", '"Initialising download for the app: Shop..."', "openPull"],
    ...["readPull", "verifyImage", '"Succesfully installed the app: Shop (Version: 2)"', "awaitPermission"],
    ...["openSwitch"],
    ...["stopContainer", "removeContainer", "adoptVersion", "PRESENT"],
  ]);
  assert.deepEqual(device.tags, ["1", "2"]);
});

Deno.test("plan() keeps the replaced image until the update is closed", () => {
  const device = run("update", { containers: [old], tags: ["1"] });
  device.steps.length = 0;
  drive("run", device);
  assert.deepEqual(words(device).slice(-3), ["RUNNING", '"Now running app Shop (2)"', "followLogs"]);
  assert.deepEqual(device.tags, ["1", "2"]);
  device.steps.length = 0;
  drive("closeUpdate", device);
  assert.deepEqual(words(device), ["closeUpdate", "untagImages"]);
  assert.deepEqual(device.tags, ["2"]);
});

Deno.test("plan() of a roll-back reverts the version, runs it, and removes the failed image", () => {
  const device = run("update", { containers: [old], tags: ["1"] });
  drive("run", device);
  device.steps.length = 0;
  drive("rollBack", device);
  assert.deepEqual(words(device), [
    ...["revertVersion", "clearHistory", '"Starting Shop..."', "STARTING", "stopContainer", "removeContainer"],
    ...["createContainer", "startContainer", "awaitStartup", "RUNNING", '"Now running app Shop (1)"'],
    ...["followLogs", "untagImages"],
  ]);
  assert.deepEqual([device.version, device.tags], ["1", ["1"]]);
});

Deno.test("plan() recovers to PRESENT from any image of the app, and pulls when there is none", () => {
  const steps = words(run("recoverPresent", { containers: [old], tags: ["0"] }));
  assert.deepEqual(steps, ["stopContainer", "removeContainer", "PRESENT"]);
  assert.ok(words(run("recoverPresent", { containers: [old], tags: [] })).includes("readPull"));
});

Deno.test("every plan reaches its goal, whatever the engine has", () => {
  for (const goal of goals) {
    for (const observed of allObserved) {
      assert.ok(ends[goal](run(goal, observed)), `${goal} from ${JSON.stringify(observed)}`);
    }
  }
});

Deno.test("every plan that is interrupted after any step and begun again reaches its goal", () => {
  for (const goal of goals) {
    for (const observed of allObserved) {
      for (let stopAfter = 1; stopAfter < 20; stopAfter += 1) {
        const device = new PlannedDevice(observed);
        drive(goal, device, stopAfter);
        device.pulled = undefined;
        device.reports.length = 0;
        drive(goal, device);
        assert.ok(ends[goal](device), `${goal} from ${JSON.stringify(observed)}, interrupted after ${stopAfter}`);
      }
    }
  }
});

Deno.test("no plan removes an image that one of its later steps needs", () => {
  for (const goal of goals) {
    for (const observed of allObserved) {
      const steps = plan(goal, { wanted, observed, progress: nothing });
      const removed = new Set<string>();
      for (const step of steps) {
        if (step.kind === "untagImages") { for (const tag of step.tags) removed.add(tag); }
        if (step.kind === "createContainer") {
          assert.ok(!removed.has(step.tag), `${goal} from ${JSON.stringify(observed)}`);
        }
      }
    }
  }
});

Deno.test("no plan touches the running container before the image of its successor is there", () => {
  for (const observed of allObserved.filter(({ containers }) => containers.length > 0)) {
    const steps = plan("update", { wanted, observed, progress: nothing }).map((step) => step.kind);
    const firstTouch = steps.findIndex((kind) => /^(stop|remove)Container$|^awaitGone$/.test(kind));
    assert.ok(steps.indexOf("readPull") < firstTouch, JSON.stringify(observed));
  }
});

Deno.test("no plan that keeps the app removes its last image", () => {
  for (const goal of ["install", "run", "stop", "recoverPresent", "update"] as const) {
    for (const observed of allObserved) {
      const device = new PlannedDevice(observed);
      const hadImage = device.tags.length > 0;
      drive(goal, device);
      assert.ok(device.tags.length > 0 || !hadImage, `${goal} from ${JSON.stringify(observed)}`);
    }
  }
});
