import assert from "node:assert/strict";
import type { AgentFacts } from "../../../lib/local/agent_facts.ts";
import { readAgentFacts } from "../../../lib/local/agent_facts.ts";
import type { DoctorFacts } from "../../../lib/local/doctor/doctor_facts.ts";
import { type CheckName, checkNames, judge } from "../../../lib/local/doctor/judge.ts";
import { doctorText } from "../../../lib/local/doctor_command.ts";
import { paintFor } from "../../../lib/local/status_text.ts";

const gib = 1024 ** 3;
const nowMs = Date.UTC(2027, 3, 1);
const day = 86_400_000;
const disk = { path: "/opt/reagent", totalBytes: 32 * gib, freeBytes: 9 * gib, totalFiles: 1_000, freeFiles: 900 };

const agent: AgentFacts = readAgentFacts({ version: "1.2.3" });

const fine: DoctorFacts = {
  agent: { kind: "answers", facts: agent },
  config: { kind: "read", path: "/etc/device.flock", missing: [], wrongTypes: [] },
  permissions: { kind: "looked", isRoot: true, loose: [] },
  database: { kind: "sound" },
  clock: { nowMs, aheadMs: [{ server: "router", ms: 200 }, { server: "registry", ms: -900 }] },
  disks: [{ ...disk, isEngine: true }],
  names: [{ host: "router", addresses: ["10.0.0.1"], error: "", isProxied: false }],
  proxy: { kind: "none" },
  tls: { kind: "trusted", toMs: nowMs + 60 * day },
  router: { kind: "connected" },
  engine: { kind: "answers", version: "20.10.24", apiVersion: "1.41" },
  compose: { kind: "there", version: "2.26.1" },
  registry: { kind: "accepts", host: "registry:5000" },
};

const error = (level: string) => ({ time: "", level, message: "Transition failed", error: "" });
const untrusted = { kind: "untrusted", error: "UnknownIssuer", issuer: "Corp CA" } as const;
const failed = { kind: "failed", error: "it took longer than 11000 ms" } as const;

/** What cannot be looked at without a `.flock` file. */
const lost = { dns: "warn", proxy: "warn", tls: "warn", router: "warn", registry: "warn" } as const;

/** What differs from a device that is fine, and the checks that are not ok then. */
const rows: readonly [name: string, change: Partial<DoctorFacts>, expected: Partial<Record<CheckName, string>>][] = [
  ["all is well", {}, {}],
  ["a clock a minute off", { clock: { nowMs, aheadMs: [{ server: "router", ms: -60_000 }] } }, { clock: "warn" }],
  ["a clock a day off", { clock: { nowMs, aheadMs: [{ server: "router", ms: day }] } }, { clock: "fail" }],
  ["one of two servers with another time", {
    clock: { nowMs, aheadMs: [{ server: "router", ms: 0 }, { server: "registry", ms: day }] },
  }, { clock: "fail" }],
  ["nobody to compare the clock with", { clock: { nowMs, aheadMs: [] } }, { clock: "warn" }],
  ["a clock that was never set", { clock: { nowMs: 0, aheadMs: [] } }, { clock: "fail" }],
  ["an engine's disk below 3 GiB", { disks: [{ ...disk, freeBytes: 2 * gib, isEngine: true }] }, { disk: "warn" }],
  ["an engine's disk below 1 GiB", { disks: [{ ...disk, freeBytes: gib - 1, isEngine: true }] }, { disk: "fail" }],
  ["another disk with 2 GiB", { disks: [{ ...disk, freeBytes: 2 * gib, isEngine: false }] }, {}],
  ["another disk with 60 MiB", { disks: [{ ...disk, freeBytes: 60 * 1024 ** 2, isEngine: false }] }, { disk: "warn" }],
  ["a full disk next to one that is not", {
    disks: [{ ...disk, isEngine: true }, { ...disk, freeBytes: 0, isEngine: false }],
  }, { disk: "fail" }],
  ["no disk that answers", { disks: [] }, { disk: "warn" }],
  ["few inodes", { disks: [{ ...disk, freeFiles: 50, isEngine: true }] }, { inodes: "warn" }],
  ["no inodes", { disks: [{ ...disk, freeFiles: 0, isEngine: true }] }, { inodes: "fail" }],
  ["a file system without inodes", { disks: [{ ...disk, totalFiles: 0, freeFiles: 0, isEngine: true }] }, {}],
  ["rights of others", {
    permissions: {
      kind: "looked",
      isRoot: true,
      loose: [{ path: "/opt/reagent", problem: "can be changed by others" }],
    },
  }, { permissions: "fail" }],
  ["another user", { permissions: { kind: "looked", isRoot: false, loose: [] } }, { permissions: "warn" }],
  ["a broken .flock file", { config: { kind: "broken", path: "x", reason: "it is empty" } }, {
    ...lost,
    config: "fail",
  }],
  ["no .flock file", { config: { kind: "missing", path: "x" } }, { ...lost, config: "fail" }],
  ["a .flock file that nobody names", { config: { kind: "unnamed" } }, { ...lost, config: "warn" }],
  ["a .flock file without a secret", {
    config: { kind: "read", path: "x", missing: ["secret"], wrongTypes: [] },
  }, { config: "fail" }],
  ["a damaged database", { database: { kind: "damaged", path: "x", reason: "malformed" } }, { database: "fail" }],
  ["no database", { database: { kind: "absent", path: "x" } }, { database: "warn" }],
  ["a name that is not found", {
    names: [{ host: "router", addresses: [], error: "no such name", isProxied: false }],
  }, { dns: "fail" }],
  ["a name that the proxy finds", { names: [{ host: "router", addresses: [], error: "none", isProxied: true }] }, {}],
  ["a proxy that is away", { proxy: { kind: "away", address: "p:1", error: "refused" } }, { proxy: "fail" }],
  ["a proxy that is none", { proxy: { kind: "malformed", reason: "it is not a URL" } }, { proxy: "fail" }],
  ["an unknown authority", { tls: { ...untrusted, fromMs: 0, toMs: nowMs + day } }, { tls: "fail" }],
  ["a certificate that ends soon", { tls: { kind: "trusted", toMs: nowMs + day } }, { tls: "warn" }],
  ["no encryption", { tls: { kind: "plain" } }, {}],
  ["a rejected secret", { router: { kind: "rejected" } }, { router: "fail" }],
  ["a router that is away", { router: { kind: "unreachable", error: "refused" } }, { router: "fail" }],
  ["-offline", { router: { kind: "offline" } }, { router: "warn" }],
  ["an engine that is away", { engine: { kind: "away", error: "refused" } }, { engine: "fail" }],
  ["an old engine", { engine: { kind: "answers", version: "19.03", apiVersion: "1.40" } }, { engine: "fail" }],
  ["no compose", { compose: { kind: "missing", error: "none" } }, { compose: "warn" }],
  ["a refused login", { registry: { kind: "denied", host: "r", error: "401" } }, { registry: "fail" }],
  ["a registry that is away", { registry: { kind: "unreachable", host: "r", error: "refused" } }, { registry: "fail" }],
  ["a login that was not tried", { registry: { kind: "reachable", host: "r", why: "no agent" } }, {}],
  ["no agent", { agent: { kind: "away", isLocked: false } }, { agent: "fail" }],
  ["an agent that hangs", { agent: { kind: "away", isLocked: true } }, { agent: "fail" }],
  ["an emergency", { agent: { kind: "answers", facts: { ...agent, isEmergency: true } } }, { agent: "fail" }],
  ["errors", { agent: { kind: "answers", facts: { ...agent, problems: [error("error")] } } }, { agent: "warn" }],
  ["warnings", { agent: { kind: "answers", facts: { ...agent, problems: [error("warn")] } } }, {}],
  ["probes that did not end", {
    ...{ config: failed, permissions: failed, database: failed, proxy: failed, tls: failed, router: failed },
    ...{ engine: failed, compose: failed, registry: failed },
  }, {
    ...{ config: "warn", permissions: "warn", database: "warn", proxy: "warn", tls: "warn", router: "warn" },
    ...{ engine: "warn", compose: "warn", registry: "warn", dns: "warn" },
  }],
];

for (const [name, change, expected] of rows) {
  Deno.test(`judge() of a device with: ${name}`, () => {
    const checks = judge({ ...fine, ...change });
    assert.deepEqual(checks.map((check) => check.name), [...checkNames]);
    const bad = checks.filter(({ result }) => result !== "ok").map(({ name, result }) => [name, result]);
    assert.deepEqual(Object.fromEntries(bad), expected);
    for (const { result, text, advice } of checks) {
      assert.notEqual(text, "");
      // One sentence, or none.
      assert.match(advice, result === "ok" ? /^$/ : /^[A-Z].+\.$/);
    }
  });
}

Deno.test("doctorText() escapes what others have written", () => {
  const engine = { kind: "away", error: "\x1b]0;owned\x07\u202egnp" } as const;
  const text = doctorText(judge({ ...fine, engine }), paintFor(false));
  // deno-lint-ignore no-control-regex -- none of them may be there
  assert.ok(!/[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]/.test(text), JSON.stringify(text));
  assert.match(text, /13 ok, 0 warn, 1 fail\n$/);
});
