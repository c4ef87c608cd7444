// box engine registry
import assert from "node:assert/strict";
import { silentLog } from "../../lib/base/log.ts";
import { isCanceled } from "../../lib/base/errors.ts";
import { ComposeError, conflictingPorts } from "../../lib/docker/compose_error.ts";
import { Engine } from "../../lib/docker/engine.ts";
import { takeDown, tearDown } from "../../lib/apps/compose/teardown.ts";
import { checkLogins } from "../../lib/apps/compose/registry_logins.ts";
import { pathOf } from "../../scripts/paths.ts";
import { runProgram } from "../../scripts/programs.ts";
import { Dockerd } from "../../scripts/testbed/dockerd.ts";
import { pushImage } from "../../scripts/testbed/images.ts";
import { Registry } from "../../scripts/testbed/registry.ts";
import { pollUntil } from "../../scripts/testbed/wait.ts";
import { FakeDockerCli } from "../fakes/fake_docker_cli.ts";
import { ComposeFixture, never, runs } from "./compose_fixture.ts";

const plain = { signal: never, build: false };
const device = { user: "device", password: "secret" };

/** Its dependants wait for ever. */
const neverHealthy = { ...runs, healthcheck: { test: ["CMD", "false"], interval: "1s", retries: 10_000 } };
const waiting = { db: neverHealthy, web: { ...runs, depends_on: { db: { condition: "service_healthy" } } } };

const once = (code: number) => ({ image: "busybox:1", command: ["sh", "-c", `echo bye; exit ${code}`] });
const after = (service: string) => ({ depends_on: { [service]: { condition: "service_completed_successfully" } } });

type Case = (fixture: ComposeFixture, registry: Registry) => Promise<void>;

async function failureOf(work: Promise<void>): Promise<ComposeError> {
  const error = await work.then(() => undefined, (reason: unknown) => reason);
  assert.ok(error instanceof ComposeError, `${error}`);
  return error;
}

/** The processes of compose that work on a project. */
async function processesOf(file: string): Promise<string> {
  return (await runProgram("sh", [
    "-c",
    'ps -eo pid,stat,args | grep -F -e "$0" | grep -v "grep\\|sh -c ps" | grep -v " Z"',
    file,
  ]))
    .stdout;
}

const cases: Record<string, Case> = {
  "compose is supported, with the plugins of the machine's user": async ({ cli }) => {
    assert.equal(await cli.isSupported(never), true);
  },
  "up runs a project with a service that ends, and once more changes nothing": async (fixture) => {
    const project = fixture.project({ init: once(0), web: { ...runs, ...after("init") } });
    const lines: string[] = [];
    await fixture.cli.up(project, { ...plain, onLines: (part) => void lines.push(...part) });
    assert.deepEqual(await fixture.states(project), ["init: exited", "web: running"]);
    assert.match(lines.join("\n"), /Container prod_\d+_shop_compose-web-1 +Started/);
    assert.ok(!lines.join("\n").includes("\x1b"));
    await fixture.cli.up(project, plain);
    await fixture.cli.stop(project, plain);
    // The lists of a busy engine lag behind its answers.
    const isStopped = async () => (await fixture.states(project)).join() === "init: exited,web: exited" || undefined;
    await pollUntil("the list shows the stop", isStopped);
    await fixture.cli.removeStopped(project, plain);
    assert.deepEqual(await fixture.states(project), []);
    await fixture.cli.down(project, { ...plain, volumes: true });
    assert.deepEqual(await fixture.rest(project), [0, 0]);
  },
  "up fails with the name of a service that others wait for, and its code": async (fixture) => {
    const project = fixture.project({ init: once(3), web: { ...runs, ...after("init") } });
    const error = await failureOf(fixture.cli.up(project, plain));
    assert.match(
      error.message,
      /^docker compose up failed: exit status 1: .*service "init" didn't complete successfully: exit 3/,
    );
    await fixture.cli.down(project, { ...plain, volumes: true });
  },
  "M48: up removes services that are gone from the definition": async (fixture) => {
    const project = fixture.project({ old: runs, web: runs });
    await fixture.cli.up(project, plain);
    await Deno.writeTextFile(project.file, JSON.stringify({ name: project.name, services: { web: runs } }));
    await fixture.cli.up(project, plain);
    assert.deepEqual(await fixture.states(project), ["web: running"]);
    await fixture.cli.down(project, { ...plain, volumes: true });
  },
  "M44: a host port that is taken is told apart, with its number": async (fixture) => {
    const first = fixture.project({ web: { ...runs, ports: ["0.0.0.0:8085:80"] } });
    const second = fixture.project({ web: { ...runs, ports: ["0.0.0.0:8085:80"] } });
    await fixture.cli.up(first, plain);
    const error = await failureOf(fixture.cli.up(second, plain));
    assert.equal(error.code, "port_in_use");
    assert.deepEqual(conflictingPorts(error.lines), [8085], error.message);
    for (const project of [first, second]) await fixture.cli.down(project, { ...plain, volumes: true });
    using _ = Deno.listen({ hostname: "0.0.0.0", port: 8085 });
    const third = await failureOf(fixture.cli.up(second, plain));
    assert.deepEqual([third.code, conflictingPorts(third.lines)], ["port_in_use", [8085]], third.message);
    await fixture.cli.down(second, { ...plain, volumes: true });
  },
  "M46: up never builds in PROD; the missing image is the error": async (fixture) => {
    const project = fixture.project({ web: { ...runs, image: "127.0.0.1:1/none:1", build: "." } });
    const error = await failureOf(fixture.cli.up(project, plain));
    assert.match(error.message, /127\.0\.0\.1:1|no such image/i);
    assert.deepEqual(await fixture.states(project), []);
  },
  "a broken definition is an error of the definition": async (fixture) => {
    const project = fixture.project({ web: { ...runs, colour: "red" } });
    const error = await failureOf(fixture.cli.up(project, plain));
    assert.match(error.message, /additional propert/i);
  },
  "M49: an up that waits is cancelled at once, with all of its processes": async (fixture) => {
    const project = fixture.project(waiting);
    const controller = new AbortController();
    const up = fixture.cli.up(project, { build: false, signal: controller.signal });
    await pollUntil("compose waits", async () => (await fixture.states(project)).includes("db: running") || undefined);
    const since = performance.now();
    controller.abort();
    await assert.rejects(up, isCanceled);
    const tookMs = performance.now() - since;
    // It would wait for ever.
    assert.ok(tookMs < 5_000, `${tookMs} ms`);
    await pollUntil("no process is left", async () => (await processesOf(project.file)) === "" || undefined);
    await fixture.cli.down(project, { ...plain, volumes: true });
  },
  "nothing of compose outlives a parent that is killed": async (fixture) => {
    const project = fixture.project(waiting);
    const args = [fixture.dockerd.host, `${fixture.folder}/configs`, project.name, project.file];
    const program = pathOf("compose_program.ts", import.meta.url);
    const parent = new Deno.Command(Deno.execPath(), {
      args: ["run", "--no-prompt", "--quiet", "--no-check", "-P=agent", program, ...args],
      stdin: "null",
    }).spawn();
    await pollUntil("compose waits", async () => (await fixture.states(project)).includes("db: running") || undefined);
    assert.notEqual(await processesOf(`-f ${project.file}`), "");
    parent.kill("SIGKILL");
    await parent.status;
    await pollUntil("no process is left", async () => (await processesOf(`-f ${project.file}`)) === "" || undefined);
    assert.equal([...Deno.readDirSync(`${fixture.folder}/configs`)].length, 1);
    assert.equal(await fixture.configs.endLeftOvers(never), 0);
    assert.equal([...Deno.readDirSync(`${fixture.folder}/configs`)].length, 0);
    await fixture.cli.down(project, { ...plain, volumes: true });
  },
  "a process that outlives its parent is found by its settings": async (fixture) => {
    const project = fixture.project(waiting);
    const { folder } = fixture.configs.open([]);
    const env = { DOCKER_CONFIG: folder, DOCKER_HOST: fixture.dockerd.host };
    const plugins = `${Deno.env.get("DOCKER_CONFIG")}/cli-plugins`;
    assert.equal(Deno.realPathSync(`${folder}/cli-plugins`), Deno.realPathSync(plugins));
    const left = new Deno.Command("docker", {
      args: ["compose", "-f", project.file, "up", "-d"],
      ...{ env, stdin: "null", stdout: "null", stderr: "null" },
    }).spawn();
    await pollUntil("compose waits", async () => (await fixture.states(project)).includes("db: running") || undefined);
    assert.equal(await fixture.configs.endLeftOvers(never), 2);
    assert.equal((await left.status).signal, "SIGKILL");
    await pollUntil("no process is left", async () => (await processesOf(project.file)) === "" || undefined);
    await fixture.cli.down(project, { ...plain, volumes: true });
  },
  "M43: a build writes 100,000 lines while nobody takes them": async (fixture) => {
    const project = fixture.project({ web: { build: ".", image: "built:1" } });
    const lines = "RUN i=0; while [ $i -lt 10 ]; do seq 10000; i=$((i+1)); done";
    await Deno.writeTextFile(`${fixture.folder}/${project.name}/Dockerfile`, `FROM busybox:1\n${lines}\n`);
    const { promise, resolve } = Promise.withResolvers<void>();
    let count = 0;
    await fixture.cli.build(project, { signal: never, onLines: (part) => void (count += part.length) });
    assert.ok(count > 10_000, `${count}`);
    await fixture.cli.build(project, { signal: never, onLines: () => promise });
    resolve();
    await Deno.writeTextFile(
      `${fixture.folder}/${project.name}/Dockerfile`,
      "FROM busybox:1\nRUN echo reason; exit 9\n",
    );
    const error = await failureOf(fixture.cli.build(project, plain));
    assert.match(error.message, /^docker compose build failed: .*exit code: 9/);
  },
  "the variables of an app lead compose neither to another project nor to another engine": async (fixture) => {
    const project = fixture.project({
      web: { ...runs, command: ["sh", "-c", "exec sleep $${A:-1}"], labels: { a: "${A}" } },
    });
    const text =
      "A=1000\nCOMPOSE_PROJECT_NAME=evil\nDOCKER_HOST=tcp://127.0.0.1:1\nCOMPOSE_IGNORE_ORPHANS=true\nDOCKER_CONTEXT=x\n";
    await Deno.writeTextFile(`${fixture.folder}/${project.name}/.env-compose`, text);
    await fixture.cli.up(project, plain);
    assert.deepEqual(await fixture.states(project), ["web: running"]);
    const [web] = (await fixture.engine.listContainers(never)).filter(({ labels }) => labels.a !== undefined);
    assert.equal(web?.labels.a, "1000");
    await fixture.cli.down(project, { ...plain, volumes: true });
    assert.deepEqual(await fixture.states(project), []);
  },
  "images are pulled with the logins of the app only": async (fixture, registry) => {
    await pushImage(fixture.dockerd, registry, { name: "apps/private:1", recipe: {} });
    const image = `${registry.host}/apps/private:1`;
    const project = fixture.project({ web: { ...runs, image } });
    await failureOf(fixture.cli.up(project, plain));
    await fixture.cli.up(project, { ...plain, logins: [{ host: `${registry.host}/`, ...device }] });
    assert.deepEqual(await fixture.states(project), ["web: running"]);
    await fixture.cli.down(project, { ...plain, volumes: true });
    await fixture.dockerd.docker("rmi", "-f", image);
  },
  "a wrong password says so, and a registry that is silent is named within the limit": async (fixture, registry) => {
    const good = { host: registry.host, ...device };
    await checkLogins(fixture.engine, [good], never);
    await assert.rejects(checkLogins(fixture.engine, [good, { ...good, password: "wrong" }], never), (error) => {
      assert.match(String(error), /^AgentError: (registry login to 127\.0\.0\.1:\d+ failed: |.*error).*unauthorized/i);
      return true;
    });
    await registry.freeze();
    const env = { DOCKER_HOST: fixture.dockerd.host };
    const engine = new Engine({ log: silentLog, env, limits: { loginMs: 1_000 } });
    await assert.rejects(checkLogins(engine, [good], never), {
      code: "timeout",
      message:
        /^Registry "127\.0\.0\.1:\d+" did not answer within 1 s: check that the device can reach it, and NO_PROXY$/,
    });
    registry.thaw();
  },
};

/** A program in place of docker, and whether the project is gone afterwards. */
const brokenPrograms: Record<string, string> = {
  "works": 'exec docker "$@"',
  "fails": 'test "$2" = version && exit 0; echo "compose is broken"; exit 1',
  "has no compose": "exit 1",
};

const withVolumes = {
  db: { ...runs, volumes: ["data:/data", "/anonymous"] },
  web: runs,
};

for (const [word, script] of Object.entries(brokenPrograms)) {
  cases[`a project is torn down and taken down although the command line ${word}`] = async (fixture) => {
    using program = new FakeDockerCli(script);
    const said: string[] = [];
    const say = (text: string) => void said.push(text);
    const deps = { compose: fixture.cliWith(program.program), engine: fixture.engine, say, log: silentLog };
    const foreign = fixture.project({ web: runs }, { volumes: { data: {} } });
    await fixture.cli.up(foreign, plain);
    const project = fixture.project(withVolumes, { volumes: { data: {} } });
    await fixture.cli.up(project, plain);
    await tearDown(deps, project, never);
    assert.deepEqual([await fixture.states(project), await fixture.rest(project)], [[], [1, 1]]);
    await fixture.cli.up(project, plain);
    await takeDown(deps, project, { volumes: false, signal: never });
    assert.deepEqual([await fixture.states(project), await fixture.rest(project)], [[], [0, 1]]);
    const volumes = await fixture.engine.volumesWith({}, never);
    await fixture.cli.up(project, plain);
    await takeDown(deps, project, { volumes: true, signal: never });
    assert.deepEqual([await fixture.states(project), await fixture.rest(project)], [[], [0, 0]]);
    const kept = volumes.filter((name) => name !== `${project.name}_data`);
    assert.deepEqual(new Set(await fixture.engine.volumesWith({}, never)), new Set(kept));
    assert.deepEqual(await fixture.states(foreign), ["web: running"]);
    assert.equal(said.length, word === "fails" ? 3 : 0);
    for (const text of said) {
      assert.match(text, /^docker compose could not stop Shop \(docker compose (stop|down) failed: .*\); its/);
    }
    await fixture.cli.down(foreign, { ...plain, volumes: true });
  };
}

// One engine for all cases, because it takes seconds to start; each case has projects of its own.
Deno.test("docker compose meets what the agent expects of it", async (t) => {
  await using dockerd = await Dockerd.start();
  await using registry = await Registry.start({ accounts: { [device.user]: device.password } });
  await using fixture = new ComposeFixture(dockerd);
  for (const [name, run] of Object.entries(cases)) await t.step(name, () => run(fixture, registry));
});
