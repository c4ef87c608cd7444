/** What an installation on systemd does, and in which order. */

import assert from "node:assert/strict";
import { describeStep } from "../../../lib/install/install_step.ts";
import {
  planSystemdInstall,
  planSystemdUninstall,
  type SystemdInput,
  unitTextOf,
} from "../../../lib/install/systemd_plan.ts";
import { readUnitFacts } from "../../../lib/install/unit_file.ts";

const settings = {
  config: "/etc/pump.flock",
  agentDir: "/opt/reagent",
  appsDir: "/opt/reagent/apps",
  dbFileName: "/opt/reagent/reagent.db",
  logFile: "/var/log/reagent.log",
  otherFlags: [],
};

function input(given: Partial<SystemdInput> = {}): SystemdInput {
  return {
    settings,
    program: { path: "/root/reagent-linux-amd64", runtime: undefined },
    version: "1.2.3",
    guardText: "#!/bin/sh\n",
    earlier: undefined,
    hasManager: false,
    staleLinks: [],
    isCommandFree: true,
    proxy: undefined,
    environmentText: "",
    isNoStart: false,
    ...given,
  };
}

const plan = (given?: Partial<SystemdInput>) => planSystemdInstall(input(given)).map(describeStep);

Deno.test("planSystemdInstall() places the program before the unit, and starts last", () => {
  assert.deepEqual(plan(), [
    "make the folder /opt/reagent",
    "copy /root/reagent-linux-amd64 to /opt/reagent/reagent-v1.2.3",
    "write /opt/reagent/start_reagent.sh",
    "link /opt/reagent/reagent to reagent-v1.2.3",
    "remove /opt/reagent/reagent.fallback",
    "link /usr/local/bin/reagent to /opt/reagent/reagent",
    "write /etc/systemd/system/reagent.service",
    "run systemctl daemon-reload",
    "run systemctl enable reagent.service",
    "run systemctl --no-block restart reagent.service",
    "wait until it runs",
  ]);
});

Deno.test("planSystemdInstall() takes over: the manager first, the unit before is kept, stale links go", () => {
  const earlier = {
    path: "/etc/systemd/system/reagent.service",
    facts: readUnitFacts("[Service]\nExecStart=/x\n"),
    overrides: [],
  };
  const steps = plan({ earlier, hasManager: true, staleLinks: ["/etc/systemd/system/a.wants/reagent.service"] });
  const order = [
    "run systemctl stop reagent-manager.service",
    "link /opt/reagent/reagent to reagent-v1.2.3",
    "keep /etc/systemd/system/reagent.service as /opt/reagent/reagent.service.earlier",
    "write /etc/systemd/system/reagent.service",
    "run systemctl enable reagent.service",
    "remove /etc/systemd/system/a.wants/reagent.service",
    "run systemctl disable reagent-manager.service",
    "run systemctl --no-block restart reagent.service",
  ].map((line) => steps.indexOf(line));
  assert.ok(!order.includes(-1), steps.join("\n"));
  assert.deepEqual(order, order.toSorted((a, b) => a - b));
});

Deno.test("planSystemdInstall() copies nothing onto itself, and leaves out what nobody wants", () => {
  const steps = plan({
    program: { path: "/opt/reagent/reagent-v1.2.3", runtime: undefined },
    isCommandFree: false,
    isNoStart: true,
  });
  assert.ok(!steps.some((line) => /^copy|usr.local|restart|wait/.test(line)), steps.join("\n"));
});

Deno.test("planSystemdInstall() keeps a proxy from others: its login may be in there", () => {
  const steps = planSystemdInstall(input({ proxy: "http://u:p@x:1", environmentText: "A=1\nHTTP_PROXY=old\n" }));
  const file = steps.find((step) => step.kind === "writeFile" && step.path === "/etc/default/reagent");
  const text = 'A=1\nHTTP_PROXY="http://u:p@x:1"\nHTTPS_PROXY="http://u:p@x:1"\nNO_PROXY="localhost,127.0.0.1"\n';
  assert.deepEqual(file, { kind: "writeFile", path: "/etc/default/reagent", text, mode: 0o600 });
  assert.ok(!steps.map(describeStep).join("\n").includes("u:p"));
});

Deno.test("unitTextOf() starts the guard with every path, and is kept by the next installation", () => {
  const first = unitTextOf(input({
    program: { path: "/root/reagent", runtime: "/usr/bin/deno" },
    earlier: {
      path: "/etc/systemd/system/reagent.service",
      facts: readUnitFacts("[Unit]\nAfter=data.mount\n[Service]\nEnvironment=A=1\nExecStart=/x\n"),
      overrides: [],
    },
  }));
  assert.match(
    first,
    /^ExecStart=\/opt\/reagent\/start_reagent.sh \/opt\/reagent -config \/etc\/pump.flock -agentDir \/opt\/reagent /m,
  );
  for (
    const line of [
      "Type=notify",
      "Restart=always",
      "WatchdogSec=60s",
      "After=network-online.target docker.service NetworkManager.service data.mount",
      "Environment=REAGENT_RUNTIME=/usr/bin/deno",
      "Environment=A=1",
      "EnvironmentFile=-/etc/default/reagent",
    ]
  ) assert.ok(first.split("\n").includes(line), line);
  const facts = readUnitFacts(first);
  assert.equal(facts.isOurs, true);
  const second = unitTextOf(input({
    program: { path: "/root/reagent", runtime: "/usr/bin/deno" },
    earlier: { path: "/etc/systemd/system/reagent.service", facts, overrides: [] },
  }));
  assert.equal(second, first);
});

Deno.test("planSystemdUninstall() stops the agent before its unit goes, and leaves data", () => {
  assert.deepEqual(planSystemdUninstall({ unitPath: "/etc/systemd/system/reagent.service" }).map(describeStep), [
    "run systemctl disable --now reagent.service",
    "remove /etc/systemd/system/reagent.service",
    "run systemctl daemon-reload",
    "run systemctl reset-failed reagent.service",
  ]);
});
