/** The command line behind `reagent service`. */

import assert from "node:assert/strict";
import { parseServiceCommand, serviceUsage, serviceVerbs } from "../../../lib/install/service_command.ts";

const parse = (...args: string[]) => parseServiceCommand(args, { os: "linux", homeDir: undefined });

Deno.test("parseServiceCommand() reads verbs and flags, and refuses the rest", () => {
  const none = { agentFlags: [], isDryRun: false, isNoStart: false, proxy: undefined };
  const config = { kind: "string", name: "config", value: "/a.flock" };
  const table: [args: string[], wanted: unknown][] = [
    [[], { kind: "usage", exitCode: 2 }],
    [["Install"], { kind: "usage", exitCode: 2 }],
    [["toString"], { kind: "usage", exitCode: 2 }],
    [["-help"], { kind: "usage", exitCode: 0 }],
    [["install", "-h"], { kind: "usage", exitCode: 0 }],
    [["status"], { kind: "run", verb: "status", options: none }],
    [["stop", "--dry-run"], { kind: "run", verb: "stop", options: { ...none, isDryRun: true } }],
    [["stop", "-config", "x"], { kind: "error", text: "flag provided but not defined: -config" }],
    [["install", "-config", "/a.flock"], {
      kind: "run",
      verb: "install",
      options: { ...none, agentFlags: [config] },
    }],
    [["install", "-start", "-noStart", "--config=/a.flock", "-proxy", "http://p:1"], {
      kind: "run",
      verb: "install",
      options: { ...none, agentFlags: [config], isNoStart: true, proxy: "http://p:1" },
    }],
    [["install", "-version"], { kind: "error", text: "flag provided but not defined: -version" }],
    [["install", "-config"], { kind: "error", text: "flag needs an argument: -config" }],
    [["install", "device.flock"], { kind: "error", text: "unexpected argument: device.flock" }],
    [["install", "-update", "false"], { kind: "error", text: "unexpected argument: false" }],
  ];
  for (const [args, wanted] of table) assert.deepEqual(parse(...args), wanted, args.join(" "));
});

Deno.test("serviceUsage() has every verb", () => {
  for (const verb of Object.keys(serviceVerbs)) assert.match(serviceUsage(), new RegExp(`^ {2}${verb} +\\w`, "m"));
});
