// box engine registry
/** The demo as a newcomer runs it: what it prints, how long it takes, and that it leaves nothing, however it ends. */

import assert from "node:assert/strict";
import { withInstalledPackages } from "../../scripts/packages.ts";
import { pollUntil } from "../../scripts/testbed/wait.ts";
import { runProgram } from "../../scripts/programs.ts";
import { listProcesses } from "../../scripts/testbed/background.ts";
import { requireBox } from "../../scripts/testbed/box.ts";
import { busyboxImage, Dockerd } from "../../scripts/testbed/dockerd.ts";
import { projectRoot } from "../../scripts/paths.ts";

const lock = "/tmp/ironflock-reagent.lock";

/** What the demo prints, in this order, on any engine. */
const story = [
  "1. A Docker engine",
  "2. A Studio",
  "It is running: router at ws://127.0.0.1:",
  "3. A device",
  "agent | Connected",
  "The device is connected: agent ",
  "4. An app",
  "_reagent-demo:1.0.0 is built and pushed",
  "5. Install",
  "The device reported STARTING → DOWNLOADING → PRESENT → RUNNING",
  "6. Its log, for ten seconds",
  "log | version 1.0.0 counts: 5",
  "7. A second version",
  "8. Update",
  "The device reported UPDATING → ",
  " lines of version 2.0.0 came from the container",
  "9. Clean up",
  "The app is uninstalled",
  "have ended",
  "That was the main job of Reagent",
  "task studio --help",
];

/** The same for its other parts, between their first three headings and the last one. */
const otherStories = {
  "--compose": [
    "4. A compose app",
    "_reagent-demo_clock:1.0.0 is built and pushed",
    "file | services:",
    "5. Install",
    "The device reported DOWNLOADING → STARTING → RUNNING",
    "log | web-1    | web 1.0.0 counts: 2",
    " lines of clock 1.0.0 came through the agent",
    "7. A second version, of one service",
    "8. Update",
    "The device reported UPDATING → ",
    "The service clock still runs in the container ",
    "9. Clean up",
    "have ended",
    "That was a compose app",
  ],
  "--dev": [
    "4. A folder on the developer's machine",
    "Dockerfile | FROM scratch",
    "5. Upload",
    "MB are on the device",
    "6. Build",
    "log | Step 1/7 : FROM scratch",
    "log | Built on Linux",
    "The device reported REMOVED → BUILDING → BUILT",
    "7. Run",
    "STARTING → RUNNING",
    "log | the new app counts: 2",
    "8. Publish",
    "PUBLISHING → PUBLISHED",
    "Version 1.0.0 is release 1 of the app.",
    "9. Clean up",
    "have ended",
    "That was the work on an app",
  ],
} as const;

/** A running demo with its output so far. */
class Demo implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #read: Promise<void>;
  text = "";

  constructor(env: Record<string, string>, args: readonly string[] = []) {
    const settings = ["run", "--no-prompt", "-P=tools", "--quiet", "--no-check", withInstalledPackages];
    this.#child = new Deno.Command(Deno.execPath(), {
      args: [...settings, "scripts/demo.ts", ...args],
      cwd: projectRoot,
      env: { NO_COLOR: "1", ...env },
      stdin: "null",
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    this.#read = this.#follow();
  }

  /** Sends a signal as soon as the output contains a text. */
  async signalAt(text: string, signal: Deno.Signal): Promise<void> {
    await pollUntil(`the demo prints "${text}" after:\n${this.text}`, () => {
      return Promise.resolve(this.text.includes(text) || undefined);
    }, { limitMs: 60_000 });
    this.#child.kill(signal);
  }

  /** Its output without the line breaks of long sentences. */
  get words(): string {
    return this.text.replaceAll(/\s+/g, " ");
  }

  /** Waits for its end and returns the exit code. */
  async end(): Promise<number> {
    await this.#read;
    return (await this.#child.status).code;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end();
  }

  async #follow(): Promise<void> {
    const decoder = new TextDecoder();
    for await (const chunk of this.#child.stdout) this.text += decoder.decode(chunk, { stream: true });
  }
}

/**
 * Everything that the demos of this test could leave behind: processes, boxes, folders, control groups, network
 * interfaces, the lock. Other demos on this machine do not count: the boxes of these have the name of the test's box.
 */
async function traces(): Promise<Record<string, unknown>> {
  const shell = async (script: string) => (await runProgram("sh", ["-c", script])).stdout.trim();
  const { folder, cgroupParent } = requireBox();
  const ours = ["ps ", "sh -c"];
  return {
    processes: (await listProcesses()).filter(({ command }) => !ours.some((start) => command.startsWith(start))).length,
    boxes: await shell(`ls -d ${folder}_*`),
    folders: await shell(`ls -d ${folder}/reagent-demo-*`),
    groups: await shell(`find /sys/fs/cgroup -type d -path '*${cgroupParent}_*'`),
    interfaces: await shell("ip -o link | grep -c veth"),
    lock: (await runProgram("flock", ["-n", lock, "true"])).code,
  };
}

/** The containers, images, volumes and networks of an engine. */
async function contents(engine: Dockerd): Promise<string> {
  const containers = await engine.docker("ps", "--all", "--format", "{{.ID}} {{.Names}} {{.State}}");
  const images = await engine.docker("images", "--all", "--format", "{{.ID}} {{.Repository}}:{{.Tag}}");
  const rest = await engine.docker("volume", "ls", "--quiet") + await engine.docker("network", "ls", "--quiet");
  return [containers, images, rest].join("\n");
}

function assertInOrder(text: string, parts: readonly string[]): void {
  let position = 0;
  for (const part of parts) {
    const found = text.indexOf(part, position);
    assert.ok(found >= 0, `"${part}" is missing or out of order in:\n${text}`);
    position = found + part.length;
  }
}

/** Runs a demo to its end and checks its output and how long it takes. */
async function assertShows(env: Record<string, string>): Promise<string> {
  const startedMs = performance.now();
  await using demo = new Demo(env);
  assert.equal(await demo.end(), 0, demo.text);
  assert.ok(performance.now() - startedMs < 90_000);
  assertInOrder(demo.text, story);
  assertFits(demo.text);
  // Log lines and reports travel independently, so their order varies.
  for (const line of ["Hello from 1.0.0", "Hello from 2.0.0", "version 2.0.0 counts and knows the time: 1 at "]) {
    assert.ok(demo.text.includes(`   log | ${line}`), demo.text);
  }
  return demo.text;
}

/** No line is wider than a terminal. */
function assertFits(text: string): void {
  assert.deepEqual(text.split("\n").filter((line) => line.length > 100 || line !== line.trimEnd()), []);
}

Deno.test("on a machine without an engine two demos at once run in their own boxes and leave nothing", async () => {
  const before = await traces();
  // Both must end before anything is thrown.
  for (const shown of await Promise.allSettled([assertShows({}), assertShows({})])) {
    if (shown.status === "rejected") throw shown.reason;
    const text = shown.value;
    assert.match(text, /No Docker engine answers here\. A private one is started/);
    assert.match(text, /The box and the private engine in it are gone/);
  }
  assert.deepEqual(await traces(), before);
});

for (
  const [moment, signal, code] of [
    ["1. A Docker engine", "SIGINT", 130],
    ["2. A Studio", "SIGTERM", 143],
    ["log | version 1.0.0 counts: 2", "SIGINT", 130],
  ] as const
) {
  Deno.test(`${signal} at "${moment}" ends a demo in a box with exit code ${code} and leaves nothing`, async () => {
    const before = await traces();
    await using demo = new Demo({});
    await demo.signalAt(moment, signal);
    assert.equal(await demo.end(), code, demo.text);
    assert.match(demo.text, /Interrupted\. Everything that the demo had started has ended\.\n$/);
    assert.deepEqual(await traces(), before);
  });
}

Deno.test("the demo on an existing engine", async (test) => {
  await using engine = await Dockerd.start();
  const env = { DOCKER_HOST: engine.host };
  await engine.docker("run", "--detach", "--name", "somebodys", busyboxImage, "sleep", "1000");
  const before = [await traces(), await contents(engine)];
  const assertNothingLeft = async () => assert.deepEqual([await traces(), await contents(engine)], before);

  await test.step("uses it and leaves nothing on it", async () => {
    assert.match(await assertShows(env), /The demo uses Docker \S+ of this machine/);
    await assertNothingLeft();
  });

  for (
    const [moment, signal, code] of [
      ["2. A Studio", "SIGTERM", 143],
      ["agent | Connecting", "SIGINT", 130],
      ["Initialising download", "SIGINT", 130],
      ["Succesfully installed", "SIGTERM", 143],
      ["9. Clean up", "SIGTERM", 143],
    ] as const
  ) {
    await test.step(`${signal} at "${moment}" ends it with exit code ${code} and leaves nothing`, async () => {
      await using demo = new Demo(env);
      await demo.signalAt(moment, signal);
      assert.equal(await demo.end(), code, demo.text);
      await assertNothingLeft();
    });
  }

  for (const part of ["--compose", "--dev"] as const) {
    await test.step(`${part} uses it and leaves nothing on it`, async () => {
      await using demo = new Demo(env, [part]);
      assert.equal(await demo.end(), 0, demo.text);
      assertInOrder(demo.text, otherStories[part]);
      assertFits(demo.text);
      await assertNothingLeft();
    });
  }

  for (
    const [part, moment] of [
      ["--compose", "Downloading images"],
      ["--compose", "web-1  Creating"],
      ["--compose", "8. Update"],
      ["--dev", "Received first package"],
      ["--dev", "log | Step 6/7"],
      ["--dev", "8. Publish"],
    ] as const
  ) {
    await test.step(`SIGINT at "${moment}" ends ${part} and leaves nothing`, async () => {
      await using demo = new Demo(env, [part]);
      await demo.signalAt(moment, "SIGINT");
      assert.equal(await demo.end(), 130, demo.text);
      await assertNothingLeft();
    });
  }

  await test.step("removes the leftovers of a killed demo", async () => {
    const left = ["--label", "real=True", "--name", "prod_1_reagent-demo", busyboxImage, "sleep", "1000"];
    await engine.docker("run", "--detach", ...left);
    await using demo = new Demo(env);
    await demo.signalAt("3. A device", "SIGINT");
    assert.equal(await demo.end(), 130, demo.text);
    assert.match(demo.text, /The leftovers of an earlier demo were removed/);
    await assertNothingLeft();
  });

  await test.step("leaves it alone while an agent is running, and starts a private one", async () => {
    const holder = new Deno.Command("flock", { args: ["-n", "--no-fork", lock, "sleep", "60"] }).spawn();
    await using demo = new Demo(env);
    await demo.signalAt("2. A Studio", "SIGINT");
    assert.equal(await demo.end(), 130, demo.text);
    assert.match(
      demo.words,
      /An agent \(or another demo\) is already running on this machine\. .* A private one is started/,
    );
    holder.kill("SIGKILL");
    await holder.status;
  });

  await test.step("leaves it alone when it has containers of another agent", async () => {
    await engine.docker(
      "run",
      "--detach",
      "--label",
      "real=True",
      "--name",
      "prod_7_shop",
      busyboxImage,
      "sleep",
      "1000",
    );
    await using demo = new Demo(env);
    await demo.signalAt("2. A Studio", "SIGINT");
    assert.equal(await demo.end(), 130, demo.text);
    assert.match(demo.words, /has containers of another agent \(prod_7_shop\) .* A private one is started/);
    assert.equal(await engine.docker("inspect", "--format", "{{.State.Status}}", "prod_7_shop"), "running");
  });
});
