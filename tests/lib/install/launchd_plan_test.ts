/** The daemon of launchd. */

import assert from "node:assert/strict";
import { describeStep } from "../../../lib/install/install_step.ts";
import { launchdPlist, launchdStateWord, planLaunchd } from "../../../lib/install/launchd_plan.ts";

const input = {
  settings: {
    config: "/Users/a & b/pump.flock",
    agentDir: "/var/root/reagent",
    appsDir: "/var/root/reagent/apps",
    dbFileName: "/var/root/reagent/reagent.db",
    logFile: "/var/root/reagent/reagent.log",
    otherFlags: [{ kind: "bool" as const, name: "update", value: false }],
  },
  program: { path: "/tmp/reagent", runtime: undefined },
  version: "1.2.3",
  guardText: "#!/bin/sh\n",
  proxy: {},
  isNoStart: false,
};

Deno.test("launchdPlist() starts the guard with every path, for ever", () => {
  const text = launchdPlist({ ...input, proxy: { HTTPS_PROXY: "http://p:1" } });
  const words = [...text.matchAll(/<string>(.*?)<\/string>/g)].map(([, word]) => word);
  const begin = ["/var/root/reagent/start_reagent.sh", "/var/root/reagent", "-config", "/Users/a &amp; b/pump.flock"];
  assert.deepEqual(words.slice(1, 5), begin);
  assert.ok(words.includes("-update=false"));
  assert.match(text, /<key>HTTPS_PROXY<\/key><string>http:\/\/p:1<\/string>/);
  assert.match(text, /<key>KeepAlive<\/key>\n {2}<true\/>/);
  assert.match(text, /<key>RunAtLoad<\/key>\n {2}<true\/>/);
});

Deno.test("planLaunchd() places the program before the daemon is loaded again", () => {
  assert.deepEqual(planLaunchd("install", input).map(describeStep), [
    "make the folder /var/root/reagent",
    "copy /tmp/reagent to /var/root/reagent/reagent-v1.2.3",
    "write /var/root/reagent/start_reagent.sh",
    "link /var/root/reagent/reagent to reagent-v1.2.3",
    "remove /var/root/reagent/reagent.fallback",
    "write /Library/LaunchDaemons/com.ironflock.reagent.plist",
    "run launchctl bootout system/com.ironflock.reagent",
    "run launchctl bootstrap system /Library/LaunchDaemons/com.ironflock.reagent.plist",
  ]);
  assert.deepEqual(planLaunchd("uninstall", input).map(describeStep), [
    "run launchctl bootout system/com.ironflock.reagent",
    "remove /Library/LaunchDaemons/com.ironflock.reagent.plist",
  ]);
});

Deno.test("launchdStateWord() reads what launchctl prints", () => {
  const table: [text: string, word: string][] = [
    ["system/com.ironflock.reagent = {\n\tactive count = 1\n\tstate = running\n\tprogram = /x\n}", "running"],
    ["x = {\n\tstate = waiting\n}", "stopped"],
    ["x = {\n\tstate = not running\n}", "stopped"],
    ["x = {\n\tstate = spawn scheduled\n}", "unknown (spawn scheduled)"],
    ["", "stopped"],
  ];
  for (const [text, word] of table) assert.equal(launchdStateWord(text), word);
});
