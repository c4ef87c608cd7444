import assert from "node:assert/strict";
import { hasCode, isCanceled } from "../../../lib/base/errors.ts";
import { ComposeCli, type ComposeRun, composeStartsAtOnce } from "../../../lib/docker/compose_cli.ts";
import { ComposeError } from "../../../lib/docker/compose_error.ts";
import { DockerConfigs } from "../../../lib/docker/docker_config.ts";
import { FakeDockerCli } from "../../fakes/fake_docker_cli.ts";
import { pollUntil } from "../../../scripts/testbed/wait.ts";
import { never } from "../../fakes/fake_handler_device.ts";

const run: ComposeRun = { signal: never };
const env = { DOCKER_HOST: "unix:///run/x/docker.sock" };

function cliOf(fake: FakeDockerCli, options: { env?: Record<string, string>; program?: string } = {}) {
  const configs = new DockerConfigs({ folder: `${fake.folder}/configs`, env: {} });
  const project = { name: "prod_1_shop_compose", file: `${fake.folder}/docker-compose.json` };
  return { cli: new ComposeCli({ configs, env, program: fake.program, ...options }), project };
}

type Project = ReturnType<typeof cliOf>["project"];

const commands: readonly { name: string; run: (cli: ComposeCli, project: Project) => Promise<void>; args: string }[] = [
  { name: "up, DEV", run: (cli, p) => cli.up(p, { ...run, build: true }), args: "up --remove-orphans -d" },
  { name: "up, PROD", run: (cli, p) => cli.up(p, { ...run, build: false }), args: "up --remove-orphans -d --no-build" },
  { name: "build", run: (cli, p) => cli.build(p, run), args: "build" },
  { name: "stop", run: (cli, p) => cli.stop(p, run), args: "stop" },
  { name: "rm", run: (cli, p) => cli.removeStopped(p, run), args: "rm -f" },
  { name: "down", run: (cli, p) => cli.down(p, { ...run, removeOrphans: true }), args: "down --remove-orphans" },
  { name: "down, with volumes", run: (cli, p) => cli.down(p, { ...run, volumes: true }), args: "down -v" },
];

for (const { name, run, args } of commands) {
  Deno.test(`ComposeCli runs ${name}, with the file of variables when there is one`, async () => {
    using fake = new FakeDockerCli();
    const { cli, project } = cliOf(fake);
    await run(cli, project);
    await Deno.writeTextFile(`${fake.folder}/.env-compose`, "A=b");
    await run(cli, project);
    assert.deepEqual(fake.calls(), [
      `compose -f ${project.file} ${args}`,
      `compose -f ${project.file} --env-file ${fake.folder}/.env-compose ${args}`,
    ]);
  });
}

Deno.test("ComposeCli shows its command the engine, the project and its own settings, and removes them", async () => {
  using fake = new FakeDockerCli("printenv DOCKER_CONFIG");
  const { cli, project } = cliOf(fake);
  const logins = [{ host: "r.io/", user: "device", password: "hunter2" }];
  await cli.up(project, { ...run, build: false, logins });
  const variables = fake.variables();
  assert.equal(variables.DOCKER_HOST, "unix:///run/x/docker.sock");
  assert.equal(variables.COMPOSE_PROJECT_NAME, project.name);
  assert.equal(variables.DOCKER_CONTEXT, "");
  assert.deepEqual(fake.config(), { auths: { "r.io": { auth: btoa("device:hunter2") } } });
  assert.doesNotMatch(fake.calls().join() + JSON.stringify(variables), /hunter2/);
  assert.deepEqual([...Deno.readDirSync(`${fake.folder}/configs`)], []);
});

Deno.test("ComposeCli leads to engines on the network with their certificates", async () => {
  using fake = new FakeDockerCli();
  const tls = { DOCKER_HOST: "tcp://10.0.0.7:2375", DOCKER_TLS_VERIFY: "1" };
  const { cli, project } = cliOf(fake, { env: tls });
  await cli.stop(project, run);
  assert.equal(fake.variables().DOCKER_HOST, "tcp://10.0.0.7:2375");
  assert.equal(fake.variables().DOCKER_TLS_VERIFY, "1");
  const plain = cliOf(fake, { env: { DOCKER_HOST: "tcp://10.0.0.7" } });
  await plain.cli.stop(project, run);
  assert.deepEqual([fake.variables().DOCKER_HOST, fake.variables().DOCKER_TLS_VERIFY], ["tcp://10.0.0.7:2375", ""]);
  await cliOf(fake, { env: {} }).cli.stop(project, run);
  assert.equal(fake.variables().DOCKER_HOST, "unix:///var/run/docker.sock");
});

Deno.test("M44: ComposeCli throws the first and the last lines of a command that fails", async () => {
  using fake = new FakeDockerCli("seq 40; echo; echo 'no such service: x' >&2; exit 14");
  const { cli, project } = cliOf(fake);
  await assert.rejects(cli.down(project, { ...run, volumes: true }), (error) => {
    assert.ok(error instanceof ComposeError && hasCode(error, "compose_failed"));
    assert.match(
      error.message,
      /^docker compose down failed: exit status 14: 1; 2; 3; 4; 5; \(11 line\(s\) omitted\); 17; .*; no such service: x$/,
    );
    assert.equal(error.exitStatus, 14);
    return true;
  });
});

Deno.test("ComposeCli hands over the output of a command", async () => {
  using fake = new FakeDockerCli("echo ' Container a  Starting' >&2; echo done");
  const { cli, project } = cliOf(fake);
  const lines: string[] = [];
  await cli.up(project, { ...run, build: true, onLines: (part) => void lines.push(...part) });
  assert.deepEqual(lines, [" Container a  Starting", "done"]);
});

Deno.test("M49: ComposeCli cancels a command that hangs within a second", async () => {
  using fake = new FakeDockerCli("trap '' TERM INT; sleep 1000 & echo up; wait; sleep 1000");
  const { cli, project } = cliOf(fake);
  const controller = new AbortController();
  let since = 0;
  const onLines = () => {
    since = performance.now();
    controller.abort();
  };
  await assert.rejects(cli.down(project, { signal: controller.signal, onLines }), isCanceled);
  assert.ok(performance.now() - since < 1_000);
  assert.deepEqual([...Deno.readDirSync(`${fake.folder}/configs`)], []);
});

Deno.test("M52: ComposeCli.isSupported() asks once, and again after forgetSupport() if it was not", async () => {
  using fake = new FakeDockerCli('test -e "$(dirname "$0")/plugin"');
  const { cli } = cliOf(fake);
  assert.equal(await cli.isSupported(never), false);
  await Deno.writeTextFile(`${fake.folder}/plugin`, "");
  assert.equal(await cli.isSupported(never), false);
  cli.forgetSupport();
  assert.equal(await cli.isSupported(never), true);
  await Deno.remove(`${fake.folder}/plugin`);
  cli.forgetSupport();
  assert.equal(await cli.isSupported(never), true);
  assert.deepEqual(fake.calls(), ["compose version", "compose version"]);
});

Deno.test("ComposeCli.isSupported() is false without a docker program, and ends with its signal", async () => {
  using fake = new FakeDockerCli("sleep 1000");
  const { cli, project } = cliOf(fake, { program: `${fake.folder}/none` });
  assert.equal(await cli.isSupported(never), false);
  await assert.rejects(
    cli.stop(project, run),
    /^ComposeError: docker compose stop failed: exit status 127: .*not found/,
  );
  await assert.rejects(cliOf(fake).cli.isSupported(AbortSignal.timeout(50)), isCanceled);
});

Deno.test("ComposeCli starts few projects at once, and stops never wait for them", async () => {
  using fake = new FakeDockerCli(
    'case "$*" in *stop*) exit 0;; esac; echo up >>"$(dirname "$0")/begun"; while [ ! -e "$(dirname "$0")/go" ]; do sleep 0.02; done',
  );
  const { cli, project } = cliOf(fake);
  const begun = () => {
    try {
      return Deno.readTextFileSync(`${fake.folder}/begun`).split("\n").length - 1;
    } catch {
      return 0;
    }
  };
  const starts = Array.from({ length: composeStartsAtOnce + 2 }, () => cli.up(project, { ...run, build: false }));
  await pollUntil("the first starts have begun", () => Promise.resolve(begun() === composeStartsAtOnce || undefined), {
    limitMs: 10_000,
  });
  await cli.stop(project, run);
  assert.equal(begun(), composeStartsAtOnce);
  await Deno.writeTextFile(`${fake.folder}/go`, "");
  await Promise.all(starts);
  assert.equal(begun(), composeStartsAtOnce + 2);
});
