/**
 * The steps of a nightly run: the agent takes the place of a reference installation, keeps its flags, and is watched
 * by systemd. They wait for watchdogs.
 */

import assert from "node:assert/strict";
import { agentVersion } from "../../lib/version.ts";
import { installScriptName, makeInstallScript } from "../../scripts/build/make_install_script.ts";
import { mustRun } from "../../scripts/programs.ts";
import { pollUntil } from "../../scripts/testbed/wait.ts";
import type { ServiceMachine } from "./service_fixture.ts";

const unit = "reagent.service";
const manager = "reagent-manager.service";

/** It holds the lock of the machine, and is what the manager has switched to. */
const earlierProgram = "#!/bin/sh\nexec flock -n /tmp/ironflock-reagent.lock sleep 1000000\n";

const earlierUnit = (config: string) =>
  `[Unit]
Description=Reagent
After=docker.service data.mount
[Service]
Environment=HTTPS_PROXY=
WorkingDirectory=/opt/old
ExecStartPre=/bin/true
ExecStart=/opt/reagent/reagent -config ${config} -dbFileName state/apps.db \\
  -nmw=false -update=false -prettyLogging
Restart=always
[Install]
WantedBy=box.target
`;

async function installReference(machine: ServiceMachine): Promise<void> {
  await Deno.mkdir("/opt/old/state", { recursive: true });
  await mustRun("rm", ["-rf", "/opt/reagent"]);
  await Deno.mkdir("/opt/reagent/apps/prod/shop", { recursive: true });
  await Deno.writeTextFile("/opt/reagent/apps/prod/shop/data", "of an app");
  await Deno.writeTextFile("/opt/reagent/reagent-v0.20.20", earlierProgram, { mode: 0o755 });
  await Deno.symlink("reagent-v0.20.20", "/opt/reagent/reagent");
  await Deno.copyFile(machine.flockFile, "/opt/old/pump.flock");
  await machine.addUnit(unit, earlierUnit("pump.flock"));
  await machine.addUnit(manager, "[Service]\nExecStart=/bin/sleep 1000000\n[Install]\nWantedBy=multi-user.target\n");
}

async function takeOver(machine: ServiceMachine): Promise<void> {
  const before = await machine.mainPid();
  const flock = JSON.parse(await Deno.readTextFile("/opt/old/pump.flock"));
  const printed = await machine.mustService("install");
  await machine.untilAnswering({ otherThan: before });
  assert.match(printed, /^taking over the service of \/etc\/systemd\/system\/reagent\.service$/m);
  assert.match(printed, /^left out of the new unit: ExecStartPre=\/bin\/true$/m);
  const kept = JSON.parse(await Deno.readTextFile("/opt/old/pump.flock"));
  assert.equal(kept.secret, flock.secret);
  assert.equal(kept.serial_number, flock.serial_number);
  assert.ok((await Deno.stat("/opt/old/state/apps.db")).size > 0);
  assert.equal(await Deno.readTextFile("/opt/reagent/apps/prod/shop/data"), "of an app");
  assert.equal(await Deno.readLink("/opt/reagent/reagent"), `reagent-v${agentVersion}`);
  assert.equal(await Deno.readTextFile("/opt/reagent/reagent-v0.20.20"), earlierProgram);
  assert.equal(await Deno.readTextFile("/opt/reagent/reagent.service.earlier"), earlierUnit("pump.flock"));
  assert.equal(await machine.systemd.show(manager, "ActiveState"), "inactive");
  assert.equal(await machine.systemd.show(manager, "UnitFileState"), "disabled");
  assert.match(await machine.systemd.show(unit, "After"), /data\.mount/);
}

async function installAgain(machine: ServiceMachine): Promise<void> {
  const before = await machine.mainPid();
  const text = await Deno.readTextFile(`${machine.systemd.folder}/units/${unit}`);
  await machine.mustService("install");
  assert.equal(await Deno.readTextFile(`${machine.systemd.folder}/units/${unit}`), text);
  await machine.untilAnswering({ otherThan: before });
}

/** systemd starts what a drop-in says, whatever the unit says. */
async function installBelowDropIn(machine: ServiceMachine): Promise<void> {
  const before = await machine.mainPid();
  const text = await Deno.readTextFile(`${machine.systemd.folder}/units/${unit}`);
  const program = "/opt/reagent/reagent -config /opt/old/pump.flock -dbFileName /opt/old/state/apps.db -nmw=false";
  await using _override = await machine.dropIn("override", `[Service]\nExecStart=\nExecStart=${program}\n`);
  const printed = await machine.mustService("install", "-update=false", "-prettyLogging");
  assert.match(printed, /^warning: \/etc\/systemd\/system\/reagent\.service\.d\/override\.conf starts the agent in /m);
  await machine.untilAnswering({ otherThan: before });
  const flags = (file: string) => /^ExecStart=(.*)$/m.exec(file)?.[1]?.split(" ").sort();
  assert.deepEqual(flags(await Deno.readTextFile(`${machine.systemd.folder}/units/${unit}`)), flags(text));
}

/** A stopped process does not feed the watchdog, like one whose event loop hangs. */
async function hung(machine: ServiceMachine): Promise<void> {
  await pollUntil("systemd shows the state of the connection", async () => {
    return await machine.systemd.show(unit, "StatusText") === "Connected" || undefined;
  }, { limitMs: 60_000 });
  await using _watchdog = await machine.dropIn("watchdog", "[Service]\nWatchdogSec=10s\n");
  let before = await machine.mainPid();
  await machine.mustService("restart");
  before = await machine.untilAnswering({ otherThan: before });
  const restarts = Number(await machine.systemd.show(unit, "NRestarts"));
  await machine.signal("STOP");
  await machine.untilAnswering({ otherThan: before });
  assert.ok(Number(await machine.systemd.show(unit, "NRestarts")) > restarts);
}

/** What a publisher has on a web server, as far as the script asks for it. */
async function installWithScript(machine: ServiceMachine): Promise<void> {
  const program = await Deno.readFile(machine.program);
  const checksum = new Uint8Array(await crypto.subtle.digest("SHA-256", program)).toHex();
  const onListen = () => {};
  await using server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen }, ({ url }) => {
    return new Response(url.endsWith(".sha256") ? `${checksum}\n` : program);
  });
  const before = await machine.mainPid();
  const text = await Deno.readTextFile(`${machine.systemd.folder}/units/${unit}`);
  await makeInstallScript({ folder: machine.folder, say: () => {}, updateKeyLines: [] });
  const printed = await machine.systemd.mustRun(
    ...["env", `REAGENT_RUNTIME=${Deno.execPath()}`, "sh", `${machine.folder}/${installScriptName}`] as const,
    ...["--url", `http://127.0.0.1:${server.addr.port}`, "--version", agentVersion],
  );
  assert.match(printed, /^install: installed the service reagent: version \S+ in \/opt\/reagent$/m);
  await machine.untilAnswering({ otherThan: before });
  assert.equal(await Deno.readTextFile(`${machine.systemd.folder}/units/${unit}`), text);
}

/** The agent has its code compiled at run time, runs what people type as root, and shares /tmp. */
async function hardening(machine: ServiceMachine): Promise<void> {
  const table: [line: string, command: string, works: boolean][] = [
    ["LimitCORE=0", "true", true],
    ["OOMScoreAdjust=-500", "true", true],
    ["MemoryDenyWriteExecute=yes", `${machine.program} -version`, false],
    ["PrivateTmp=yes", `test -e ${machine.flockFile}`, false],
    ["ProtectSystem=strict", "test -w /opt/reagent", false],
    ["ProtectSystem=full", "test -w /etc", false],
    ["ProtectHome=yes", "test -w /root", false],
    ["PrivateDevices=yes", "test -e /dev/kmsg", false],
    ["ProtectKernelTunables=yes", "sh -c 'echo 1 >/proc/sys/net/ipv4/ip_forward'", false],
    ["ProtectHostname=yes", "hostname other", false],
    ["RestrictNamespaces=yes", "unshare --net true", false],
    ["NoNewPrivileges=yes", "grep -q '^NoNewPrivs:.*0' /proc/self/status", false],
  ];
  for (const [line, command, works] of table) {
    const run = async (lines: string) => {
      const text =
        `[Service]\nType=oneshot\nEnvironment=REAGENT_RUNTIME=${Deno.execPath()}\n${lines}\nExecStart=${command}\n`;
      await Deno.writeTextFile(`${machine.systemd.folder}/units/try.service`, text);
      await machine.systemd.mustRun("systemctl", "daemon-reload");
      return (await machine.systemd.run("systemctl", "start", "try.service")).success;
    };
    assert.equal(await run(""), true, `without ${line}: ${command}`);
    assert.equal(await run(line), works, `with ${line}: ${command}`);
  }
}

/** All of them, on a machine without an agent. */
export async function testTakeover(test: Deno.TestContext, machine: ServiceMachine): Promise<void> {
  await test.step("install takes over without losing config, database and apps", async () => {
    await installReference(machine);
    await takeOver(machine);
  });
  await test.step("install again keeps its flags", () => installAgain(machine));
  await test.step("install names a drop-in that starts the agent in another way", () => installBelowDropIn(machine));
  await test.step("install.sh without --config keeps its flags, too", () => installWithScript(machine));
  await test.step("it is started again when it hangs", () => hung(machine));
  await test.step("hardening that it could not live with", () => hardening(machine));
}
