// box engine
import assert from "node:assert/strict";
import { systemClock } from "../../lib/async/clock.ts";
import { silentLog } from "../../lib/base/log.ts";
import { type AppLogs, createAppLogs } from "../../lib/app_logs/app_logs.ts";
import { servicesAmong } from "../../lib/apps/watch/observe_project.ts";
import { Engine } from "../../lib/docker/engine.ts";
import { projectLabelOf, shownContainerName } from "../../lib/model/app_names.ts";
import { Database } from "../../lib/store/database.ts";
import { Dockerd } from "../../scripts/testbed/dockerd.ts";
import { pollUntil } from "../../scripts/testbed/wait.ts";
import { runProgram } from "../../scripts/programs.ts";

const shop = { id: { appKey: 6, stage: "PROD" as const }, appName: "Fan.Ctl-X_y" };
const channel = "prod_6_fan.ctl-x_y";
const project = projectLabelOf(shop);
const never = new AbortController().signal;

const loop = (text: string, pause: string) => `i=0; while true; do echo ${text} $$i; i=$$((i+1)); sleep ${pause}; done`;

const definition = {
  name: project,
  services: {
    web: { command: loop("web", "0.2") },
    "worker-long": { tty: true, command: `${loop("tty", "0.3")}` },
    once: { command: "echo once done" },
    bad: { command: "echo bad; echo err >&2; sleep 1; exit 3" },
    named: { container_name: "My_Own-Name", command: "echo named; sleep 1000" },
  },
};

/** A project of a real compose, and app logs that follow it. */
class World implements AsyncDisposable {
  readonly shown: string[] = [];
  readonly engine: Engine;
  logs: AppLogs;
  #database: Database;

  constructor(readonly dockerd: Dockerd) {
    this.engine = new Engine({ log: silentLog, env: { DOCKER_HOST: dockerd.host } });
    this.#database = Database.open(`${dockerd.folder}/reagent.db`, { log: silentLog });
    this.logs = this.#createLogs();
  }

  async compose(...args: string[]): Promise<void> {
    const file = `${this.dockerd.folder}/compose.json`;
    const services = Object.fromEntries(
      Object.entries(definition.services).map(([name, { command, ...rest }]) => {
        return [name, { image: "busybox:1", init: true, command: ["sh", "-c", command], ...rest }];
      }),
    );
    await Deno.writeTextFile(file, JSON.stringify({ ...definition, services }));
    const ended = await runProgram("docker", ["-H", this.dockerd.host, "compose", "-f", file, ...args]);
    assert.equal(ended.code, 0, ended.stderr);
  }

  async follow(): Promise<void> {
    const services = servicesAmong(await this.engine.listProject(project, never));
    this.logs.followProject(
      channel,
      services.map(({ id, name }) => ({ id, name: shownContainerName(name, project) })),
    );
  }

  /** The lines of one service, without its name. */
  linesOf(name: string): string[] {
    return this.shown.filter((line) => line.startsWith(`${name} `) && line.includes("  | "))
      .map((line) => line.slice(line.indexOf("| ") + 2));
  }

  async until(what: string, isTrue: () => boolean): Promise<void> {
    await pollUntil(what, () => Promise.resolve(isTrue() || undefined), { limitMs: 15_000 });
  }

  /** As a new agent. */
  async restart(): Promise<void> {
    await this.logs[Symbol.asyncDispose]();
    this.logs = this.#createLogs();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.logs[Symbol.asyncDispose]();
    this.#database[Symbol.dispose]();
  }

  #createLogs(): AppLogs {
    return createAppLogs({
      serialNumber: "SN-1",
      engine: this.engine,
      database: this.#database,
      publish: (_topic, payload) => {
        if (typeof payload === "string") this.shown.push(...payload.split("\n"));
        return Promise.resolve();
      },
      isConnected: () => true,
      waitingBytes: () => 0,
      match: () => Promise.resolve([1]),
      positionsDir: `${this.dockerd.folder}/positions`,
      containersToFollow: () => [],
      clock: systemClock,
      random: () => 0.5,
      log: silentLog,
    });
  }
}

function countingLines(text: string, from: number, count: number): string[] {
  return Array.from({ length: count }, (_, index) => `${text} ${from + index}`);
}

Deno.test("the logs of a real compose project", async (t) => {
  await using dockerd = await Dockerd.start();
  await using world = new World(dockerd);

  await t.step("each line has the name of its service as compose writes it, without an escape sequence", async () => {
    world.logs.clearHistory(shop.id, channel);
    await world.compose("up", "-d");
    await world.follow();
    await world.until("the project is followed", () => world.shown.includes("bad-1 exited with code 3"));
    for (
      const line of [
        "My_Own-Name    | named",
        "once-1         | once done",
        "worker-long-1  | tty 0",
        "bad-1          | err",
      ]
    ) assert.ok(world.shown.includes(line), `${line} is missing in ${world.shown.join("\n")}`);
    assert.ok(world.shown.includes("once-1 exited with code 0"));
    assert.ok(world.shown.every((line) => !line.includes("\u001b") && !line.includes("\r")));
  });

  await t.step("a restart of the agent neither repeats nor loses a line", async () => {
    await world.restart();
    const seen = world.linesOf("web-1").length;
    await pollUntil("a second passes", async () => {
      return (await world.dockerd.docker("logs", "--tail", "1", `${project}-web-1`)) >= `web ${seen + 5}` || undefined;
    });
    await world.follow();
    await world.until("the lines go on", () => world.linesOf("web-1").length > seen + 8);
    for (const [name, text] of [["web-1", "web"], ["worker-long-1", "tty"]] as const) {
      const lines = world.linesOf(name);
      assert.deepEqual(lines, countingLines(text, 0, lines.length));
    }
    assert.deepEqual(world.linesOf("once-1"), ["once done"]);
    assert.equal(world.shown.filter((line) => line === "once-1 exited with code 0").length, 1);
  });

  await t.step("containers that are added, recreated or started again are read from where they were left", async () => {
    await world.compose("up", "-d", "--no-recreate", "--scale", "web=2");
    await world.follow();
    await world.until("the second container is read", () => world.linesOf("web-2").length > 2);
    assert.equal(world.linesOf("web-2")[0], "web 0");
    const before = world.linesOf("web-1").length;
    await world.compose("up", "-d", "--force-recreate", "web");
    await world.follow();
    await world.until("the new container is read", () => world.linesOf("web-1").slice(before).includes("web 3"));
    const web = world.linesOf("web-1");
    const first = web.lastIndexOf("web 0");
    assert.deepEqual(web.slice(0, first), countingLines("web", 0, first));
    assert.deepEqual(web.slice(first), countingLines("web", 0, web.length - first));
    assert.ok(world.shown.includes("web-1 exited with code 143"));
  });

  await t.step("the history of a new agent is that of all services, in the order of their times", async () => {
    await world.compose("stop");
    const fresh = new World(dockerd);
    await using _ = fresh;
    const lines = await fresh.logs.readHistory("prod_6_fan.ctl-x_y", never);
    assert.ok(lines.length > 10, lines.join("\n"));
  });
});
