import assert from "node:assert/strict";
import { type ObservedApp, type ObservedContainer, soleContainer } from "../../../../lib/apps/state/observed_app.ts";
import type { AppState } from "../../../../lib/model/app.ts";
import { plan, type Wanted } from "../../../../lib/apps/plan/container_plan.ts";
import { type Goal, type Progress, type Step, stepKey } from "../../../../lib/apps/plan/steps.ts";

const wanted: Wanted = { appName: "Shop", version: "1", newest: { version: "2", releaseKey: 8 }, fallback: undefined };
const nothing: Progress = { done: new Set(), createdContainer: undefined };
const empty: ObservedApp = { containers: [], tags: [] };
const old = container("running");

function container(status: string): ObservedContainer {
  return { id: "old", name: "prod_7_shop", status };
}

/** A device in memory: what steps do to it, and what can be seen of it. */
class World {
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

  /** Does the step and gives the id of the container that it made. */
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
      case "clearViewer":
      case "clearHistory":
      case "checkLogin":
      case "verifyImage":
      case "awaitStartup":
      case "followLogs":
      case "deleteEnvFiles":
      case "releasePorts":
        return;
    }
  }
}

/** Runs a transition; `cutAfter` ends it after so many steps. */
function drive(goal: Goal, world: World, cutAfter = 100): void {
  let progress = nothing;
  for (let count = 0; count < cutAfter; count += 1) {
    const { version, fallback } = world;
    const [step] = plan(goal, { wanted: { ...wanted, version, fallback }, observed: world.observe(), progress });
    if (step === undefined) return;
    const created = world.do(step);
    progress = {
      done: new Set([...progress.done, stepKey(step)]),
      createdContainer: created ?? progress.createdContainer,
    };
  }
  assert.ok(cutAfter < 100, `the plan for ${goal} does not end`);
}

function run(goal: Goal, observed: ObservedApp): World {
  const world = new World(observed);
  drive(goal, world);
  return world;
}

/** The steps as short words. */
function words(world: World): string[] {
  return world.steps.map((step) => {
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

const goals: Goal[] = [
  ...["install", "run", "stop", "remove", "uninstall"] as const,
  ...["recoverPresent", "update", "rollBack", "closeUpdate", "tidy", "removeCanceled", "uninstallCanceled"] as const,
];
const statuses = ["created", "running", "paused", "restarting", "removing", "exited", "dead"];
const allObserved: ObservedApp[] = [[], ...statuses.map((status) => [container(status)])].flatMap((containers) =>
  [[], ["1"], ["2"], ["1", "2"], ["0", "1"]].map((tags) => ({ containers, tags }))
);

/** What must be true of the device when a goal is reached. */
const ends: Record<Goal, (world: World) => boolean> = {
  install: (world) => world.reports.at(-1) === "PRESENT" && world.tags.includes("1"),
  run: (world) =>
    world.reports.at(-1) === "RUNNING" && world.container?.status === "running" &&
    world.container.id.startsWith("created") && world.container.tag === world.version &&
    world.tags.join() === world.version,
  stop: (world) => world.reports.at(-1) === "PRESENT" && world.container === undefined,
  remove: (world) => world.reports.at(-1) === "REMOVED" && isWiped(world),
  removeCanceled: (world) => world.reports.at(-1) === "REMOVED" && isWiped(world),
  uninstall: (world) => world.reports.slice(-2).join() === "REMOVED,UNINSTALLED" && isWiped(world) && !world.hasData,
  uninstallCanceled: (world) => world.reports.join() === "REMOVED,UNINSTALLED" && isWiped(world) && !world.hasData,
  // Nothing of what is in use goes, and nothing is told.
  tidy: (world) =>
    world.reports.length === 0 && (!world.tags.includes(world.version) || world.tags.join() === world.version),
  recoverPresent: (world) =>
    world.reports.at(-1) === "PRESENT" && world.container === undefined && world.tags.length > 0,
  update: (world) =>
    world.reports.at(-1) === "PRESENT" && world.container === undefined && world.version === "2" &&
    world.tags.includes("2") && world.fallback === "1",
  rollBack: (world) =>
    world.reports.at(-1) === "RUNNING" && world.container?.tag === "1" && world.version === "1" &&
    world.container.status === "running" && world.tags.join() === "1",
  closeUpdate: (world) => world.fallback === undefined && world.tags.every((tag) => tag === world.version),
};

function isWiped(world: World): boolean {
  return world.container === undefined && world.tags.length === 0;
}

Deno.test("plan() of a first run pulls between STARTING and the start, and tells DOWNLOADING once the stream is open", () => {
  assert.deepEqual(words(run("run", empty)), [
    ...["clearViewer", "clearHistory", '"Starting Shop..."', "STARTING"],
    ...['"Initialising download for the app: Shop..."', "checkLogin", "openPull", "DOWNLOADING", "readPull"],
    ...['"Succesfully installed the app: Shop (Version: 1)"', "PRESENT"],
    ...["createContainer", "startContainer", "awaitStartup", "RUNNING", '"Now running app Shop (1)"', "followLogs"],
  ]);
});

Deno.test("plan() reads and tells a pull to its end although its image is there before", () => {
  for (const goal of ["run", "install", "recoverPresent"] as const) {
    const world = new World(empty);
    world.isQuick = true;
    drive(goal, world);
    assert.deepEqual(words(world), words(run(goal, empty)));
  }
});

Deno.test("plan() of a run with the image at hand neither clears the viewer nor asks the registry", () => {
  assert.deepEqual(words(run("run", { containers: [], tags: ["1"] })), [
    ...["clearHistory", '"Starting Shop..."', "STARTING", "createContainer", "startContainer", "awaitStartup"],
    ...["RUNNING", '"Now running app Shop (1)"', "followLogs"],
  ]);
});

Deno.test("plan() of a run replaces a container from before, whatever its state", () => {
  for (const status of statuses) {
    const world = run("run", { containers: [container(status)], tags: ["1"] });
    assert.equal(world.container?.id, "created1", status);
  }
});

Deno.test("plan() creates again when the container that it made is gone before the start", () => {
  const done = new Set(["clearHistory", "say Starting Shop...", "report STARTING", "createContainer 1"]);
  const left = plan("run", {
    wanted,
    observed: { ...empty, tags: ["1"] },
    progress: { done, createdContainer: "created1" },
  });
  assert.deepEqual(left.slice(0, 2).map((step) => step.kind), ["createContainer", "startContainer"]);
});

Deno.test("plan() does not create again once the process was started: the settle window finds out what became of it", () => {
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

Deno.test("plan() of a stop tells STOPPING once, and stops before it removes", () => {
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

Deno.test("plan() of an install tells PRESENT after the pull", () => {
  assert.deepEqual(words(run("install", empty)), [
    ...["clearViewer", "clearHistory", '"Initialising download for the app: Shop..."', "checkLogin", "openPull"],
    ...["DOWNLOADING", "readPull", '"Succesfully installed the app: Shop (Version: 1)"', "PRESENT"],
  ]);
});

Deno.test("plan() of a removal takes container and tags before it tells REMOVED", () => {
  assert.deepEqual(words(run("remove", { containers: [old], tags: ["1", "2"] })), [
    ...["clearHistory", '"Starting removal process for Shop..."', "DELETING", "removeContainer", "untagImages"],
    ...["deleteEnvFiles", "REMOVED", '"Successfully removed Shop!"'],
  ]);
});

Deno.test("plan() of an uninstall deletes the data before it tells UNINSTALLED", () => {
  assert.deepEqual(words(run("uninstall", { containers: [], tags: [] })).slice(3), [
    ...["deleteEnvFiles", "REMOVED", '"Successfully removed Shop!"', "releasePorts", "deleteData", "UNINSTALLED"],
  ]);
});

Deno.test("plan() after a canceled pull tells the end only", () => {
  assert.deepEqual(words(run("removeCanceled", { containers: [], tags: ["1"] })), [
    ...["untagImages", "deleteEnvFiles", "REMOVED"],
  ]);
});

Deno.test("plan() of an update pulls while the old container runs and keeps the old image", () => {
  const world = run("update", { containers: [old], tags: ["1"] });
  assert.deepEqual(words(world), [
    ...["UPDATING", "clearHistory", '"Initialising download for the app: Shop..."', "checkLogin", "openPull"],
    ...["readPull", "verifyImage", '"Succesfully installed the app: Shop (Version: 2)"', "openSwitch"],
    ...["stopContainer", "removeContainer", "adoptVersion", "PRESENT"],
  ]);
  assert.deepEqual(world.tags, ["1", "2"]);
});

Deno.test("plan() keeps the replaced image until the update is closed", () => {
  const world = run("update", { containers: [old], tags: ["1"] });
  world.steps.length = 0;
  drive("run", world);
  assert.deepEqual(words(world).slice(-3), ["RUNNING", '"Now running app Shop (2)"', "followLogs"]);
  assert.deepEqual(world.tags, ["1", "2"]);
  world.steps.length = 0;
  drive("closeUpdate", world);
  assert.deepEqual(words(world), ["closeUpdate", "untagImages"]);
  assert.deepEqual(world.tags, ["2"]);
});

Deno.test("plan() of a roll-back lets the version before count, runs it, and takes the failed image away", () => {
  const world = run("update", { containers: [old], tags: ["1"] });
  drive("run", world);
  world.steps.length = 0;
  drive("rollBack", world);
  assert.deepEqual(words(world), [
    ...["revertVersion", "clearHistory", '"Starting Shop..."', "STARTING", "removeContainer", "createContainer"],
    ...["startContainer", "awaitStartup", "RUNNING", '"Now running app Shop (1)"', "followLogs", "untagImages"],
  ]);
  assert.deepEqual([world.version, world.tags], ["1", ["1"]]);
});

Deno.test("plan() recovers to PRESENT from any image of the app, and pulls when there is none", () => {
  assert.deepEqual(words(run("recoverPresent", { containers: [old], tags: ["0"] })), ["removeContainer", "PRESENT"]);
  assert.ok(words(run("recoverPresent", { containers: [old], tags: [] })).includes("readPull"));
});

Deno.test("every plan ends in its goal from whatever is seen", () => {
  for (const goal of goals) {
    for (const observed of allObserved) {
      assert.ok(ends[goal](run(goal, observed)), `${goal} from ${JSON.stringify(observed)}`);
    }
  }
});

Deno.test("every plan that was cut after any step and begun anew ends in its goal", () => {
  for (const goal of goals) {
    for (const observed of allObserved) {
      for (let cutAfter = 1; cutAfter < 20; cutAfter += 1) {
        const world = new World(observed);
        drive(goal, world, cutAfter);
        world.pulled = undefined;
        world.reports.length = 0;
        drive(goal, world);
        assert.ok(ends[goal](world), `${goal} from ${JSON.stringify(observed)}, cut after ${cutAfter}`);
      }
    }
  }
});

Deno.test("no plan takes away an image that one of its later steps needs", () => {
  for (const goal of goals) {
    for (const observed of allObserved) {
      const steps = plan(goal, { wanted, observed, progress: nothing });
      const taken = new Set<string>();
      for (const step of steps) {
        if (step.kind === "untagImages") { for (const tag of step.tags) taken.add(tag); }
        if (step.kind === "createContainer") {
          assert.ok(!taken.has(step.tag), `${goal} from ${JSON.stringify(observed)}`);
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

Deno.test("no plan that keeps the app takes its last image away", () => {
  for (const goal of ["install", "run", "stop", "recoverPresent", "update"] as const) {
    for (const observed of allObserved) {
      const world = new World(observed);
      const hadImage = world.tags.length > 0;
      drive(goal, world);
      assert.ok(world.tags.length > 0 || !hadImage, `${goal} from ${JSON.stringify(observed)}`);
    }
  }
});
