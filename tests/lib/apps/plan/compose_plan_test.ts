import assert from "node:assert/strict";
import type { ObservedApp, ObservedService } from "../../../../lib/apps/state/observed_app.ts";
import type { AppState } from "../../../../lib/model/app.ts";
import type { Wanted } from "../../../../lib/apps/plan/given.ts";
import { plan } from "../../../../lib/apps/plan/plan.ts";
import { type BuildGoal, type Goal, type Progress, type Step, stepKey } from "../../../../lib/apps/plan/steps.ts";

type ComposeGoal = Exclude<Goal, BuildGoal>;

/** Images of the old and of the new definition: the database is the same, `web` moves, `worker` is new. */
const oldImages = ["r/web:1", "db:16", "cache:7"];
const newImages = ["r/web:2", "db:16", "r/worker:2"];

/** A device in memory: what steps do to it, and what can be observed of it. */
class PlannedProject {
  version = "1";
  fallback: string | undefined;
  isToRun = true;
  isFresh = false;
  /** The images of the definition that counts, and of the one that goes. */
  images = oldImages;
  stale: string[] = [];
  here: Set<string>;
  /** The images that the running services were made from. */
  running: readonly string[];
  hasContainer: boolean;
  containerStatus = "running";
  isDown = false;
  isWiped = false;
  wasStopped = false;
  abandoned: readonly string[] = [];
  readonly reports: AppState[] = [];
  readonly steps: Step[] = [];

  constructor({ here = oldImages, running = [], hasContainer = false }: Partial<
    { here: readonly string[]; running: readonly string[]; hasContainer: boolean }
  >) {
    this.here = new Set(here);
    this.running = running;
    this.hasContainer = hasContainer;
  }

  wanted(): Wanted {
    const { version, fallback, images, stale, isFresh, isToRun } = this;
    const newest = { version: "2", releaseKey: 8 };
    return { appName: "Shop", version, newest, fallback, staleImages: stale, project: { images, isFresh, isToRun } };
  }

  observe(): ObservedApp {
    const services = this.running.map((image, index): ObservedService => {
      return {
        id: `s${index}`,
        name: `p-s${index}-1`,
        service: `s${index}`,
        number: 1,
        status: "running",
        imageId: image,
      };
    });
    return {
      containers: this.hasContainer ? [{ id: "single", name: "prod_7_shop", status: this.containerStatus }] : [],
      tags: this.hasContainer ? ["1"] : [],
      project: {
        services,
        images: Object.fromEntries([...this.here].map((image) => [image, `id of ${image}`])),
        abandoned: this.abandoned,
      },
    };
  }

  do(step: Step): void {
    this.steps.push(step);
    switch (step.kind) {
      case "report":
        return void this.reports.push(step.state);
      case "pullImages":
        return step.images.forEach((image) => this.here.add(image));
      case "startProject":
        assert.ok(!this.hasContainer, "the ports are free");
        for (const image of this.images) assert.ok(this.here.has(image), `${image} is here`);
        this.running = this.images;
        return;
      case "stopProject":
        this.wasStopped = true;
        this.running = [];
        return;
      case "downProject":
        this.running = [];
        this.isDown = true;
        this.isWiped ||= step.withVolumes;
        return;
      case "dropImages":
        for (const image of step.images) {
          assert.ok(!this.running.includes(image), `${image} is not in use`);
          this.abandoned = this.abandoned.filter((other) => other !== image);
          this.here.delete(image);
        }
        return;
      default:
        this.#doOther(step);
    }
  }

  #doOther(step: Step): void {
    if (step.kind === "stopContainer") this.containerStatus = "exited";
    if (step.kind === "removeContainer") this.hasContainer = false;
    if (step.kind === "openSwitch") this.fallback ??= this.version;
    if (step.kind === "adoptVersion") this.version = step.version;
    if (step.kind === "revertVersion") this.version = this.fallback ?? this.version;
    if (step.kind === "revertVersion" || step.kind === "closeUpdate") this.fallback = undefined;
  }
}

/** Runs a transition; `stopAfter` ends it after so many steps. */
function drive(goal: ComposeGoal, device: PlannedProject, stopAfter = 100): PlannedProject {
  let progress: Progress = { done: new Set(), createdContainer: undefined };
  for (let count = 0; count < stopAfter; count += 1) {
    const [step] = plan(goal, { wanted: device.wanted(), observed: device.observe(), progress });
    if (step === undefined) return device;
    device.do(step);
    progress = { ...progress, done: new Set([...progress.done, stepKey(step)]) };
  }
  assert.ok(stopAfter < 100, `the plan for ${goal} does not end`);
  return device;
}

function words(device: PlannedProject): string[] {
  return device.steps.map((step) =>
    step.kind === "report" ? step.state : step.kind === "say" ? `"${step.text}"` : step.kind
  );
}

function updating({ isToRun = true } = {}): PlannedProject {
  const device = new PlannedProject({ running: isToRun ? oldImages : [] });
  device.images = newImages;
  device.stale = oldImages.filter((image) => !newImages.includes(image));
  device.isToRun = isToRun;
  return device;
}

Deno.test("M16, M47: plan() of a first run of a compose app shows DOWNLOADING, pulls what is missing, then STARTING", () => {
  const device = new PlannedProject({ here: ["db:16"] });
  device.isFresh = true;
  assert.deepEqual(words(drive("run", device)), [
    ...["clearHistory", "checkProject", "DOWNLOADING", '"Downloading images for Shop..."', "pullImages"],
    ...['"Compose Image Installed successfully"', "STARTING", "restoreImages"],
    ...['"Starting Shop..."', "startProject", "awaitProject"],
    ...["RUNNING", '"Now running app Shop (1)"', "followProject", "dropKeptImages"],
  ]);
  const [pull] = device.steps.filter((step) => step.kind === "pullImages");
  assert.deepEqual(pull, { kind: "pullImages", images: ["r/web:1", "cache:7"] });
});

Deno.test("M47: plan() of a restart of a compose app never shows DOWNLOADING, and asks no registry when the images are here", () => {
  const device = drive("run", new PlannedProject({}));
  assert.deepEqual(device.reports, ["STARTING", "RUNNING"]);
  assert.ok(!words(device).includes("pullImages"));
  const missing = drive("run", new PlannedProject({ here: ["db:16"] }));
  assert.deepEqual(missing.reports, ["STARTING", "RUNNING"]);
  assert.ok(words(missing).includes("pullImages"));
});

Deno.test("plan() of a stop of a compose app reports STOPPING once, and nothing to stop is done at once", () => {
  assert.deepEqual(words(drive("stop", new PlannedProject({ running: oldImages }))), [
    ...["STOPPING", '"Received stop signal for Shop"', "stopProject", "PRESENT", '"Successfully stopped Shop"'],
  ]);
  assert.deepEqual(drive("stop", new PlannedProject({})).reports, ["PRESENT"]);
});

Deno.test("plan() of a removal of a compose app removes volumes, images and variables before it reports REMOVED", () => {
  assert.deepEqual(words(drive("remove", new PlannedProject({ running: oldImages }))), [
    ...["clearHistory", '"Starting removal process for Shop..."', "DELETING", "downProject", "dropKeptImages"],
    ...["dropImages", "removeVolumes", "deleteEnvFiles", "deleteProjectEnv", "REMOVED"],
    '"Successfully removed Shop!"',
  ]);
  const device = drive("uninstall", new PlannedProject({ running: oldImages }));
  assert.deepEqual(words(device).slice(-5), [
    ...['"Successfully removed Shop!"', "releasePorts", "deleteData", "deleteProjectFolder", "UNINSTALLED"],
  ]);
  assert.ok(device.isWiped);
});

Deno.test("plan() of an update of a compose app pulls everything while it runs, and stops nothing", () => {
  const device = drive("update", updating());
  assert.deepEqual(words(device), [
    ...["checkProject", "UPDATING", "clearHistory", '"Downloading images for Shop..."', "keepImages", "pullImages"],
    ...['"Compose Image Installed successfully"', "awaitPermission", "openSwitch", "adoptVersion", "PRESENT"],
    ...["STARTING", '"Starting Shop..."', "startProject", "awaitProject", "RUNNING", '"Now running app Shop (2)"'],
    "followProject",
  ]);
  assert.ok(!device.wasStopped && !device.isDown);
  assert.deepEqual(device.running, newImages);
  for (const image of oldImages) assert.ok(device.here.has(image), "the images of the fallback stay");
});

Deno.test("plan() of an update of a stopped compose app starts nothing", () => {
  const device = drive("update", updating({ isToRun: false }));
  assert.deepEqual([device.reports, device.running, device.version], [["UPDATING", "PRESENT"], [], "2"]);
});

Deno.test("plan() closes an update of a compose app by removing the images that no release needs any more", () => {
  const device = drive("update", updating());
  device.steps.length = 0;
  drive("closeUpdate", device);
  assert.deepEqual(words(device), ["closeUpdate", "restoreImages", "dropKeptImages", "dropImages"]);
  assert.deepEqual([...device.here].sort(), [...newImages].sort());
});

Deno.test("plan() drops the images of releases that a compose app never was, once no version can come back", () => {
  const device = updating();
  device.abandoned = ["given-up:1"];
  drive("update", device);
  assert.deepEqual(device.abandoned, ["given-up:1"]);
  drive("closeUpdate", device);
  assert.deepEqual([device.abandoned, [...device.here].sort()], [[], [...newImages].sort()]);
  device.abandoned = ["given-up:2"];
  drive("remove", device);
  assert.deepEqual([device.abandoned, [...device.here]], [[], []]);
});

Deno.test("plan() of a roll-back of a compose app runs the old definition again, without a stop", () => {
  const device = drive("update", updating());
  device.steps.length = 0;
  device.images = oldImages;
  device.stale = newImages.filter((image) => !oldImages.includes(image));
  drive("rollBack", device);
  assert.deepEqual(words(device), [
    ...["revertVersion", "restoreImages", "clearHistory", "checkProject", "STARTING", '"Starting Shop..."'],
    ...["startProject", "awaitProject", "RUNNING", '"Now running app Shop (1)"', "followProject", "dropKeptImages"],
    "dropImages",
  ]);
  assert.ok(!device.wasStopped && !device.isDown);
  assert.deepEqual([device.running, device.version], [oldImages, "1"]);
  assert.deepEqual([...device.here].sort(), [...oldImages].sort());
});

Deno.test("plan() of an update from one container to compose removes the container after the pull, and keeps its image", () => {
  const device = new PlannedProject({ here: [], hasContainer: true });
  device.images = newImages;
  drive("update", device);
  const kinds = device.steps.map(({ kind }) => kind);
  assert.ok(kinds.indexOf("openSwitch") < kinds.indexOf("stopContainer"));
  assert.ok(kinds.indexOf("removeContainer") < kinds.indexOf("startProject"));
  assert.ok(!kinds.includes("untagImages"), "the version before can come back");
});

Deno.test("plan() of an app of one container that was a compose app leaves nothing of the project running", () => {
  const device = new PlannedProject({ running: oldImages });
  const { project: _project, ...wanted } = device.wanted();
  const steps = plan("run", {
    wanted: { ...wanted, version: "2", fallback: "1" },
    observed: { ...device.observe(), tags: ["2"] },
    progress: { done: new Set(), createdContainer: undefined },
  }).map(({ kind }) => kind);
  assert.ok(steps.indexOf("downProject") >= 0 && steps.indexOf("downProject") < steps.indexOf("createContainer"));
  assert.ok(!steps.includes("dropImages"), "the version before can come back");
});

const goals: ComposeGoal[] = [
  ...["install", "run", "stop", "remove", "uninstall", "recoverPresent", "update", "rollBack", "closeUpdate"] as const,
  ...["tidy", "removeCanceled", "uninstallCanceled"] as const,
];

Deno.test("plan() of each goal of a compose app ends, from everywhere, also when it is interrupted after any step", () => {
  const situations = [[], oldImages, newImages, [...oldImages, ...newImages]].flatMap((here) =>
    [[], oldImages].flatMap((running) => [false, true].map((hasContainer) => ({ here, running, hasContainer })))
  );
  for (const goal of goals) {
    for (const situation of situations) {
      const length = drive(goal, new PlannedProject(situation)).steps.length;
      for (let stopAfter = 0; stopAfter < length; stopAfter += 1) {
        const device = new PlannedProject(situation);
        drive(goal, device, stopAfter);
        drive(goal, device);
        const last = device.reports.at(-1);
        if (goal === "run" || goal === "rollBack") assert.equal(last, "RUNNING");
        if (goal === "stop" || goal === "install" || goal === "recoverPresent") assert.equal(last, "PRESENT");
        if (goal === "uninstall" || goal === "uninstallCanceled") assert.equal(last, "UNINSTALLED");
        if (goal === "remove" || goal === "removeCanceled") {
          assert.ok(last === "REMOVED" && device.running.length === 0);
        }
      }
    }
  }
});

Deno.test("plan() of tidying up has no step for a compose app of which an update has kept nothing", () => {
  const planned = new PlannedProject({ running: oldImages });
  const observed = planned.observe();
  const given = { wanted: planned.wanted(), progress: { done: new Set<string>(), createdContainer: undefined } };
  const project = observed.project ?? { services: [], images: {} };
  const stepsFor = (hasKeptImages: boolean | undefined) => {
    const known = hasKeptImages === undefined ? project : { ...project, hasKeptImages };
    return plan("tidy", { ...given, observed: { ...observed, project: known } }).map(({ kind }) => kind);
  };
  assert.deepEqual(stepsFor(false), []);
  const both = ["restoreImages", "dropKeptImages"];
  assert.deepEqual([stepsFor(true), stepsFor(undefined)], [both, both]);
});

Deno.test("plan() of tidying up removes what a stop has left that was cut off, and nothing of an app that is to run", () => {
  const stepsFor = (statuses: readonly string[], isToRun: boolean) => {
    const device = new PlannedProject({ running: oldImages.slice(0, statuses.length) });
    device.isToRun = isToRun;
    const observed = device.observe();
    const services = (observed.project?.services ?? []).map((service, at) => {
      return { ...service, status: statuses[at] ?? "", exitCode: 0 };
    });
    const project = { services, images: {}, hasKeptImages: false };
    const given = { wanted: device.wanted(), progress: { done: new Set<string>(), createdContainer: undefined } };
    return plan("tidy", { ...given, observed: { ...observed, project } }).map(({ kind }) => kind);
  };
  assert.deepEqual(stepsFor(["exited", "created"], false), ["stopProject"]);
  assert.deepEqual(stepsFor(["exited", "running"], false), []);
  assert.deepEqual(stepsFor(["exited", "created"], true), []);
  assert.deepEqual(stepsFor([], false), []);
});
