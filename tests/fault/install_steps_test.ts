// box
/**
 * An installation that takes over a reference agent is interrupted at each of its steps, or finds the disk full, on a
 * real systemd: at each moment the machine has an agent that it starts when it boots, and an installation afterwards
 * ends as one that was never interrupted.
 */

import assert from "node:assert/strict";
import { hasCode } from "../../lib/base/errors.ts";
import { temporaryName } from "../../lib/files/temporary_name.ts";
import { describeStep, type InstallStep } from "../../lib/install/install_step.ts";
import { runInstallSteps } from "../../lib/install/run_install_steps.ts";
import type { ServiceRequest } from "../../lib/install/service_command.ts";
import { readServiceState, readSystemdInput } from "../../lib/install/systemd_input.ts";
import { planSystemdInstall } from "../../lib/install/systemd_plan.ts";
import { readUnitFacts } from "../../lib/install/unit_file.ts";
import { mustRun, runProgram } from "../../scripts/programs.ts";
import { Systemd, unitFolder } from "../../scripts/testbed/systemd.ts";

const agentDir = "/opt/reagent";
const unit = "reagent.service";
const manager = "reagent-manager.service";
const environmentFile = "/etc/default/reagent";
const command = "/usr/local/bin/reagent";

/** Says that it is ready, as the agent does, and stays. */
const program = '#!/bin/sh\n[ -z "${NOTIFY_SOCKET:-}" ] || systemd-notify --ready\nexec sleep 1000000\n';

const earlierUnit = `[Unit]
After=data.mount
[Service]
Environment=A=1
ExecStart=${agentDir}/reagent -config /opt/old/pump.flock -dbFileName /opt/old/apps.db -nmw=false
Restart=always
[Install]
WantedBy=box.target
`;

/** A path in this process's way to programs, so that what asks systemd asks the one of the test. */
async function reachSystemd(systemd: Systemd, stack: AsyncDisposableStack): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "p-" });
  const path = Deno.env.get("PATH") ?? "";
  stack.defer(async () => {
    Deno.env.set("PATH", path);
    await Deno.remove(folder, { recursive: true });
  });
  // On the machine itself it is in the way, too.
  const text = `#!/bin/sh
[ "$(cat /proc/1/comm)" = systemd ] && exec /usr/bin/systemctl "$@"
exec nsenter -t ${systemd.pid} -a /usr/bin/systemctl "$@"
`;
  await Deno.writeTextFile(`${folder}/systemctl`, text, { mode: 0o755 });
  Deno.env.set("PATH", `${folder}:${path}`);
}

/** A machine with a reference agent that runs, as before each installation. */
async function installReference(systemd: Systemd): Promise<void> {
  await systemd.run("systemctl", "disable", "--now", unit, manager);
  for (const path of [agentDir, "/opt/old", environmentFile, command]) await mustRun("rm", ["-rf", path]);
  await mustRun("sh", ["-c", `rm -rf ${unitFolder}/*.wants ${unitFolder}/reagent*`]);
  await Deno.mkdir(`${agentDir}/apps/prod/shop`, { recursive: true });
  await Deno.mkdir("/opt/old");
  const files = {
    [`${agentDir}/apps/prod/shop/data`]: "of an app",
    [`${agentDir}/reagent-v0.20.20`]: program,
    "/opt/old/pump.flock": "{}",
    "/opt/old/apps.db": "rows",
    "/opt/new-program": program,
    [environmentFile]: "B=2\n",
    [`${unitFolder}/${unit}`]: earlierUnit,
    [`${unitFolder}/${manager}`]: `[Service]\nExecStart=/bin/sleep 1000000\n[Install]\nWantedBy=multi-user.target\n`,
  };
  for (const [path, text] of Object.entries(files)) await Deno.writeTextFile(path, text, { mode: 0o755 });
  await Deno.chmod("/opt/old/pump.flock", 0o600);
  await Deno.symlink("reagent-v0.20.20", `${agentDir}/reagent`);
  await systemd.mustRun("systemctl", "daemon-reload");
  await systemd.mustRun("systemctl", "enable", "--now", unit, manager);
}

const signal = new AbortController().signal;

async function planInstallation(): Promise<InstallStep[]> {
  const request: ServiceRequest = {
    verb: "install",
    options: { agentFlags: [], isDryRun: false, isNoStart: false, proxy: "http://proxy:1" },
    output: { print: () => {}, complain: (text) => assert.fail(text) },
    signal,
  };
  return planSystemdInstall(await readSystemdInput(request, { path: "/opt/new-program", runtime: undefined }));
}

async function runSteps(steps: readonly InstallStep[]): Promise<void> {
  await runInstallSteps(steps, {
    signal,
    warn: (text) => assert.fail(text),
    isRunning: async () => (await readServiceState(signal)).activeState === "active",
    hint: "",
  });
}

/** What is on the machine: files with mode and content, links with their targets, and the states of both services. */
async function readMachine(systemd: Systemd): Promise<string[]> {
  const places = [agentDir, "/opt/old", environmentFile, command, unitFolder];
  const script = 'find "$@" ! -name "*.starts" ! -name "service.d" ' +
    '\\( -type f -printf "%p %m " -exec sha256sum -b {} \\; -o -printf "%p %m %l\\n" \\) | sort';
  const files = (await mustRun("sh", ["-c", script, "sh", ...places])).stdout.trim().split("\n");
  const shown: string[] = [];
  for (const name of [unit, manager]) {
    for (const property of ["ActiveState", "UnitFileState"]) {
      shown.push(`${name} ${property} ${await systemd.show(name, property)}`);
    }
  }
  return [...files, ...shown];
}

/** Without power from this moment on, the machine starts an agent at its next boot. */
async function assertBoots(systemd: Systemd): Promise<void> {
  assert.equal(await systemd.show(unit, "UnitFileState"), "enabled");
  const { command: words, isOurs } = readUnitFacts(await Deno.readTextFile(`${unitFolder}/${unit}`));
  for (const path of isOurs ? [words[0] ?? "", `${agentDir}/reagent`] : [words[0] ?? ""]) {
    const { isFile, size, mode } = await Deno.stat(path);
    assert.ok(isFile && size > 0 && ((mode ?? 0) & 0o111) === 0o111, path);
  }
}

/** What a step leaves that is interrupted in the middle. */
async function leaveHalf(step: InstallStep): Promise<void> {
  const path = step.kind === "placeProgram" || step.kind === "keepCopy"
    ? step.to
    : step.kind === "writeFile" || step.kind === "link"
    ? step.path
    : undefined;
  if (path === undefined) return;
  const [, folder = "", name = ""] = /^(.*)\/([^/]+)$/.exec(path) ?? [];
  // Of a process before this one.
  const left = temporaryName(`.${name}.`).replace(`${Deno.pid}-`, "1-");
  if (step.kind === "link") await Deno.symlink(step.target, `${folder}/${left}`);
  else await Deno.writeTextFile(`${folder}/${left}`, "#!/bi");
}

/** No page is free on the disk of the agent, for as long as it is not disposed. */
async function fillDisk(): Promise<AsyncDisposable> {
  const resize = (size: string) => mustRun("mount", ["-o", `remount,size=${size}`, "/opt"]);
  await resize("1m");
  await runProgram("dd", ["if=/dev/zero", "of=/opt/filler", "bs=4k"]);
  return {
    [Symbol.asyncDispose]: async () => {
      await Deno.remove("/opt/filler");
      await resize("64m");
    },
  };
}

Deno.test("an installation that is interrupted at a step loses nothing, and can be done again", async (test) => {
  await using stack = new AsyncDisposableStack();
  for (const place of ["/opt", "/usr/local/bin"]) {
    await mustRun("mount", ["-t", "tmpfs", "-o", "mode=755", "own", place]);
    stack.defer(() => runProgram("umount", ["-l", place]).then(() => {}));
  }
  const systemd = stack.use(await Systemd.start());
  await reachSystemd(systemd, stack);
  await installReference(systemd);
  const steps = await planInstallation();
  await runSteps(steps);
  const whole = await readMachine(systemd);
  assert.ok(whole.includes(`${unit} ActiveState active`) && whole.includes(`${manager} ActiveState inactive`));
  for (const [index, step] of steps.entries()) {
    await test.step(`before: ${describeStep(step)}`, async () => {
      await installReference(systemd);
      await runSteps(steps.slice(0, index));
      await leaveHalf(step);
      await assertBoots(systemd);
      await runSteps(await planInstallation());
      assert.deepEqual(await readMachine(systemd), whole);
    });
  }
  await test.step("the disk is full", async () => {
    await installReference(systemd);
    const pid = await systemd.show(unit, "MainPID");
    {
      await using _full = await fillDisk();
      await assert.rejects(async () => await runSteps(await planInstallation()), (error) => hasCode(error, "no_space"));
    }
    assert.equal(await systemd.show(unit, "MainPID"), pid);
    await assertBoots(systemd);
    await runSteps(await planInstallation());
    assert.deepEqual(await readMachine(systemd), whole);
  });
});
