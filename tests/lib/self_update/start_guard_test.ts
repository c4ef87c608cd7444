import assert from "node:assert/strict";
import { type GuardLimits, guardLimits, startGuardScript } from "../../../lib/self_update/start_guard.ts";
import { pollUntil } from "../../../scripts/testbed/wait.ts";
import { agentBodies, GuardedService, guardShells, shortLimits } from "../../fakes/guarded_service.ts";

const shells = guardShells.filter(([program = "", ...args]) => {
  try {
    return new Deno.Command(program, { args: [...args, "-c", "exit 0"] }).outputSync().success;
  } catch {
    // This machine does not have it.
    return false;
  }
});

const state = (members: Record<string, string | number> = {}) => {
  const all = {
    ...{ format: 1, phase: "trial", from: "1.0.0", to: "1.1.0", needs: "connection", starts: 0, boots: 0, boot: "" },
    ...{ begun: 0, connected: "no", why: "", ...members, end: "yes" },
  };
  return Object.entries(all).map(([key, value]) => `${key}=${value}\n`).join("");
};

/** A folder with version 1.0.0 that runs, and version 1.1.0 on probation. */
async function onProbation(
  shell: readonly string[],
  body: string,
  limits: Partial<GuardLimits> = {},
): Promise<GuardedService> {
  const service = new GuardedService({ shell, limits: { ...shortLimits, ...limits } });
  await service.addVersion("1.0.0", agentBodies.runs);
  await service.addVersion("1.1.0", body);
  service.link("fallback", "1.0.0");
  service.link("program", "1.1.0");
  service.writeState(state());
  return service;
}

async function untilStarted(service: GuardedService, version: string): Promise<void> {
  await pollUntil(`version ${version} runs`, () => {
    return Promise.resolve(service.started().at(-1)?.startsWith(version) || undefined);
  }, { limitMs: 30_000 });
}

/** All rows in all shells at the same time: most of it is waiting. */
async function forEach<Row extends readonly [what: string, ...rest: unknown[]]>(
  rows: readonly Row[],
  run: (shell: readonly string[], row: Row) => Promise<void>,
): Promise<void> {
  const failures: string[] = [];
  const all = shells.flatMap((shell) => rows.map((row) => ({ shell, row })));
  await Promise.all(all.map(({ shell, row }) => {
    return run(shell, row).catch((error) => failures.push(`${shell.join(" ")}: ${row[0]}: ${error}`));
  }));
  assert.deepEqual(failures, []);
}

const wentBack = (service: GuardedService, why: RegExp) => {
  assert.equal(service.linked("program"), "reagent-v1.0.0");
  assert.equal(service.linked("fallback"), undefined);
  const { phase, from, to, why: seen, end } = service.state();
  assert.deepEqual({ phase, from, to, end }, { phase: "rolledBack", from: "1.0.0", to: "1.1.0", end: "yes" });
  assert.match(seen ?? "", why);
  assert.match(service.errors, /going back from version 1\.1\.0 to version 1\.0\.0/);
};

Deno.test("the guard has the limits of the service in it, and is one file without anything of this machine", () => {
  assert.match(startGuardScript(), /connect_seconds=300 prove_seconds=150 starts_limit=3 boots_limit=5/);
  assert.equal(startGuardScript(), startGuardScript(guardLimits));
});

/** For versions that must not be too late first, however slow the machine is. */
const unhurried = { connectSeconds: 60 };

const ends: [what: string, body: string, starts: number, why: RegExp][] = [
  ["exits at once", agentBodies.exitsAtOnce, 3, /^it has ended 3 times before it had proved itself$/],
  ["ends in order at once", agentBodies.endsInOrder, 3, /^it has ended 3 times/],
  ["crashes after a while", agentBodies.crashes, 3, /^it has ended 3 times/],
  ["hangs", agentBodies.hangs, 1, /^it was not connected in time$/],
  ["runs and is never connected", agentBodies.runs, 1, /^it was not connected in time$/],
];
Deno.test("the guard goes back from a version that does not prove itself", async () => {
  await forEach(ends, async (shell, [_what, body, starts, why]) => {
    await using service = await onProbation(shell, body, starts === 1 ? {} : unhurried);
    service.start();
    await untilStarted(service, "1.0.0");
    assert.equal(service.started().filter((line) => line.startsWith("1.1.0")).length, starts);
    wentBack(service, why);
  });
});

const elf = Deno.readFileSync("/bin/true");
const otherMachine = elf.slice();
otherMachine.set([0xff, 0xfe], 18);
const damaged: [what: string, content: Uint8Array][] = [
  ["empty", new Uint8Array()],
  ["cut after 30 bytes", elf.slice(0, 30)],
  ["cut after 300 bytes", elf.slice(0, 300)],
  ["cut in the middle", elf.slice(0, 8_192)],
  ["all zeros", new Uint8Array(8_192)],
  ["an error page", new TextEncoder().encode("<html>404</html>\n")],
  ["text", new TextEncoder().encode("touch started\nsleep 600\n")],
  ["a script without its interpreter", new TextEncoder().encode("#!/missing/loader\n")],
];
Deno.test("the guard goes back from a file that is no program", async () => {
  await forEach(damaged, async (shell, [_what, content]) => {
    await using service = await onProbation(shell, agentBodies.runs, unhurried);
    await service.addFile("1.1.0", content);
    service.start();
    await untilStarted(service, "1.0.0");
    assert.equal(service.started().length, 1);
    wentBack(service, /^(its file is no program that can be started|it has ended 3 times.*)$/);
  });
});

const cases: [what: string, run: (service: GuardedService) => Promise<void>][] = [
  ["without a version on probation it becomes the agent, with its flags", async (service) => {
    service.unlink("fallback");
    service.link("program", "1.0.0");
    service.writeState("");
    service.start("-config", "/a b/device.flock", "-debug=false");
    await untilStarted(service, "1.0.0");
    assert.deepEqual(service.started(), ["1.0.0 1 -config /a b/device.flock -debug=false"]);
    await pollUntil("the guard is the agent", async () => {
      return /^sleep/.test(await Deno.readTextFile(`/proc/${service.pid}/cmdline`)) || undefined;
    });
    assert.deepEqual(service.state(), { "": "" });
  }],
  ["it runs nothing of an executable of another machine", async (service) => {
    await service.addFile("1.0.0", Deno.readFileSync("/bin/sleep"));
    await service.addFile("1.1.0", otherMachine);
    service.start("600");
    await pollUntil("it is back", () => Promise.resolve(service.linked("fallback") === undefined || undefined));
    assert.equal(service.state().why, "its file is no program that can be started");
  }],
  ["it lets a version be that was taken for good", async (service) => {
    service.start();
    await untilStarted(service, "1.1.0");
    service.unlink("fallback");
    await new Promise((resolve) => setTimeout(resolve, 9_000));
    assert.deepEqual(service.started(), ["1.1.0 1 "]);
    assert.equal(service.linked("program"), "reagent-v1.1.0");
  }],
  ["it goes back from a version that was connected and does not last", async (service) => {
    await service.addVersion("1.1.0", agentBodies.hangs);
    service.start();
    await untilStarted(service, "1.1.0");
    service.writeState(state({ connected: "yes" }));
    await untilStarted(service, "1.0.0");
    wentBack(service, /^it was ready in time and did not stay so$/);
  }],
  ["it runs another version when the file of the one in use is damaged", async (service) => {
    service.unlink("fallback");
    await service.addFile("1.1.0", new Uint8Array(5_000));
    service.start();
    await untilStarted(service, "1.0.0");
    assert.match(service.errors, /running reagent-v1\.0\.0/);
  }],
  ["a killed agent is started again", async (service) => {
    service.unlink("fallback");
    for (const count of [1, 2, 3]) {
      service.start();
      await pollUntil("a start", () => Promise.resolve(service.started().length === count || undefined));
      await service.stop();
    }
    assert.equal(service.linked("program"), "reagent-v1.1.0");
  }],
];
Deno.test("the guard starts, watches and lets be", async () => {
  await forEach(cases, async (shell, [_what, run]) => {
    await using service = await onProbation(shell, agentBodies.runs, { connectSeconds: 6 });
    await run(service);
  });
});

const uptime = Math.floor(Number((await Deno.readTextFile("/proc/uptime")).split(" ")[0]));
const boot = (await Deno.readTextFile("/proc/sys/kernel/random/boot_id")).trim();
const own = (members: Record<string, string | number>) => state({ boots: 1, boot, ...members });

const steps: [what: string, given: (service: GuardedService) => void, runs: string, fallback: string | undefined][] = [
  ["before the link was switched", (service) => service.link("program", "1.0.0"), "1.0.0", "reagent-v1.0.0"],
  ["after the link was switched", () => {}, "1.1.0", "reagent-v1.0.0"],
  ["without the link to the program", (service) => service.unlink("program"), "1.0.0", undefined],
  ["with a fallback that leads nowhere", (service) => service.link("fallback", "0.9.0"), "1.1.0", "reagent-v0.9.0"],
  ...([
    ["of zeros", "\0".repeat(4_096), "1.1.0"],
    ["that is empty", "", "1.1.0"],
    ["that is half there", state({ starts: 3 }).slice(0, 60), "1.1.0"],
    ["without its last line", state({ starts: 3 }).replace("end=yes\n", ""), "1.1.0"],
    ["of another version", state({ phase: "rolledBack", to: "0.9.0", starts: 3 }), "1.1.0"],
    ["with strange numbers", state({ starts: "08", boots: "99999999999999999999", begun: "-1" }), "1.1.0"],
    ["with as many starts on another boot", state({ starts: 3, boots: 1, boot: "other" }), "1.1.0"],
    ["with too many boots", state({ boots: 5, boot: "other" }), "1.0.0"],
    ["with all its time gone", own({ starts: 1, begun: uptime - 61 }), "1.0.0"],
    ["with all its time gone, but connected", own({ starts: 1, begun: uptime - 61, connected: "yes" }), "1.1.0"],
    ["that begins after now", own({ starts: 1, begun: uptime + 9_999 }), "1.1.0"],
    ["with the note to go back", state({ phase: "rolledBack", why: "it has failed" }), "1.0.0"],
  ] as const).map(([what, text, runs]): typeof steps[number] => {
    const fallback = runs === "1.1.0" ? "reagent-v1.0.0" : undefined;
    return [`with a state file ${what}`, (service) => service.writeState(text), runs, fallback];
  }),
];

Deno.test("a version is run after a power loss at any step", async () => {
  await forEach(steps, async (shell, [_what, given, runs, fallback]) => {
    await using service = await onProbation(shell, agentBodies.runs, unhurried);
    given(service);
    service.start();
    await untilStarted(service, runs);
    assert.deepEqual(service.started(), [`${runs} 1 `]);
    assert.equal(service.linked("program"), `reagent-v${runs}`);
    assert.equal(service.linked("fallback"), fallback);
  });
});
