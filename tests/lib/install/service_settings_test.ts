/** With which flags the service runs the agent. */

import assert from "node:assert/strict";
import type { GivenFlag } from "../../../lib/flags/grammar.ts";
import { agentArguments, decideSettings, type EarlierCommand } from "../../../lib/install/service_settings.ts";

const flag = (name: string, value: string): GivenFlag => ({ kind: "string", name, value });

function decide(given: readonly GivenFlag[], earlier?: EarlierCommand): string {
  const decided = decideSettings({
    given,
    earlier,
    workingDirectory: "/root",
    platform: { os: "linux", homeDir: undefined },
    agentDir: "/opt/reagent",
  });
  return decided.kind === "error" ? `error: ${decided.text}` : agentArguments(decided.settings).join(" ");
}

const usual = "-agentDir /opt/reagent -appsDir /opt/reagent/apps -dbFileName /opt/reagent/reagent.db";
const log = "-logFile /var/log/reagent.log";

Deno.test("decideSettings() makes every path of a first installation explicit", () => {
  const table: [given: GivenFlag[], wanted: string][] = [
    [[], "error: -config is required: the .flock file of the device"],
    [[flag("config", "")], "error: -config is required: the .flock file of the device"],
    [[flag("config", "a\nb")], "error: a path has a control character"],
    [[flag("config", "pump.flock")], `-config /root/pump.flock ${usual} ${log}`],
    [[flag("config", "../etc/./pump.flock")], `-config /etc/pump.flock ${usual} ${log}`],
    [
      [flag("config", "/p"), flag("agentDir", "/data")],
      `-config /p -agentDir /data -appsDir /data/apps -dbFileName /data/reagent.db ${log}`,
    ],
    [
      [flag("config", "/p"), { kind: "bool", name: "update", value: false }, {
        kind: "uint",
        name: "ppTimeout",
        value: 7n,
      }],
      `-config /p ${usual} ${log} -update=false -ppTimeout=7`,
    ],
  ];
  for (const [given, wanted] of table) assert.equal(decide(given), wanted);
});

Deno.test("decideSettings() leaves the data of an earlier agent where it is", () => {
  const earlier = (...args: string[]) => ({ args, workingDirectory: "/opt/old" });
  const table: [given: GivenFlag[], earlier: EarlierCommand, wanted: string][] = [
    [[], earlier("-config", "pump.flock"), `-config /opt/old/pump.flock ${usual} ${log}`],
    // The flags of the reference agent do not follow its folder.
    [
      [],
      earlier("-config", "/p", "-agentDir", "/data"),
      `-config /p -agentDir /data -appsDir /opt/reagent/apps -dbFileName /opt/reagent/reagent.db ${log}`,
    ],
    [
      [flag("config", "/new")],
      earlier("-config", "/p", "-dbFileName=x.db", "-update=false", "-update"),
      `-config /new -agentDir /opt/reagent -appsDir /opt/reagent/apps -dbFileName /opt/old/x.db ${log} -update=true`,
    ],
    [[], earlier(), "error: -config is required: the .flock file of the device"],
    [
      [flag("config", "/p")],
      earlier("-unheardOf"),
      "error: the installation that is there cannot be read (flag provided but not defined: -unheardOf); " +
      "give -config, -agentDir, -appsDir, -dbFileName",
    ],
    [
      ["config", "agentDir", "appsDir", "dbFileName"].map((name) => flag(name, `/${name}`)),
      earlier("-unheardOf"),
      `-config /config -agentDir /agentDir -appsDir /appsDir -dbFileName /dbFileName ${log}`,
    ],
  ];
  for (const [given, before, wanted] of table) assert.equal(decide(given, before), wanted);
});
