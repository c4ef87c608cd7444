import assert from "node:assert/strict";
import { silentLog } from "../../../lib/base/log.ts";
import { windowsFiles } from "../../../lib/self_update/windows_files.ts";
import { decodeMarker, encodeMarker, type MarkerPhase } from "../../../lib/self_update/windows_marker.ts";
import { type SwapFiles, WindowsSwap } from "../../../lib/self_update/windows_swap.ts";

const signal = new AbortController().signal;
const [old, fresh] = ["1.0.0", "1.1.0"];
const programText = (version: string) => `#!/bin/sh\necho ${version}\n`;

/** A folder as the service has it, with programs that this machine can run. */
class Site implements AsyncDisposable {
  readonly folder = Deno.makeTempDirSync({ prefix: "w-" });
  /** Renames that fail, as `from>to`, and how often. */
  readonly refused = new Map<string, number>();
  readonly sleeps: number[] = [];
  ownPath = `${this.folder}/reagent.exe`;

  constructor() {
    this.place("reagent.exe", programText(old));
    this.place(`reagent-v${fresh}.exe`, programText(fresh));
    this.place("reagent-prev.exe", programText("0.9.0"));
  }

  place(name: string, text: string): void {
    Deno.writeTextFileSync(`${this.folder}/${name}`, text);
    Deno.chmodSync(`${this.folder}/${name}`, 0o755);
  }

  /** Another one is another process. */
  swap(running = old): WindowsSwap {
    const files = windowsFiles(this.folder, { log: silentLog });
    const rename: SwapFiles["rename"] = (from, to) => {
      const left = this.refused.get(`${from}>${to}`) ?? 0;
      if (left === 0) return files.rename(from, to);
      this.refused.set(`${from}>${to}`, left - 1);
      return Promise.reject(new Deno.errors.PermissionDenied("in use"));
    };
    return new WindowsSwap({
      ...{ agentDir: this.folder, ownPath: this.ownPath, running, log: silentLog },
      files: { ...files, rename },
      clock: { sleep: (ms) => Promise.resolve(void this.sleeps.push(ms)) },
      now: () => new Date("2026-08-04T09:00:00.123Z"),
    });
  }

  write(phase: MarkerPhase, { attempts = 0, newVersion = fresh } = {}): void {
    const marker = { phase, newVersion, oldVersion: old, attempts, updatedAt: "" };
    this.place("update-state.json", encodeMarker(marker));
  }

  /** Phase and starts. */
  marker(): string {
    try {
      const marker = decodeMarker(Deno.readTextFileSync(`${this.folder}/update-state.json`));
      return `${marker?.phase} ${marker?.newVersion} ${marker?.attempts}`;
    } catch {
      return "none";
    }
  }

  /** The version of each program. */
  programs(): Record<string, string> {
    const names = [...Deno.readDirSync(this.folder)].map(({ name }) => name).filter((name) => name.endsWith(".exe"));
    return Object.fromEntries(names.map((name) => {
      return [name.slice(0, -4), Deno.readTextFileSync(`${this.folder}/${name}`).split(" ")[1]?.trim() ?? ""];
    }));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.folder, { recursive: true });
  }
}

const swapped = { reagent: fresh, "reagent-prev": old };

Deno.test("activate() renames both programs and puts the new one on probation", async () => {
  await using site = new Site();
  await site.swap().activate(fresh, signal);
  assert.deepEqual(site.programs(), swapped);
  assert.equal(site.marker(), "probation 1.1.0 0");
  assert.equal(
    Deno.readTextFileSync(`${site.folder}/update-state.json`),
    '{"phase":"probation","new_version":"1.1.0","old_version":"1.0.0","attempts":0,"updated_at":"2026-08-04T09:00:00Z"}',
  );
  const next = site.swap(fresh);
  assert.equal(await next.settle(), "run");
  assert.equal(site.marker(), "probation 1.1.0 1");
  await assert.rejects(next.activate("1.2.0", signal), { code: "busy" });
  await next.noteHealthy();
  assert.equal(site.marker(), "none");
});

const refusals: [what: string, prepare: (site: Site) => void, code: string][] = [
  ["a version that was rolled back", (site) => site.write("rolledback"), "denied"],
  ["when this is another program", (site) => site.ownPath = `${site.folder}/other.exe`, "denied"],
  ["a missing file", (site) => Deno.removeSync(`${site.folder}/reagent-v${fresh}.exe`), "io_failed"],
  ["an empty file", (site) => site.place(`reagent-v${fresh}.exe`, ""), "io_failed"],
  ["a file of another version", (site) => site.place(`reagent-v${fresh}.exe`, programText(old)), "untrusted_server"],
  ["a file that fails", (site) => site.place(`reagent-v${fresh}.exe`, "#!/bin/sh\nexit 3\n"), "untrusted_server"],
];
for (const [what, prepare, code] of refusals) {
  Deno.test(`activate() refuses ${what}, and changes nothing`, async () => {
    await using site = new Site();
    prepare(site);
    const before = [site.programs(), site.marker()];
    await assert.rejects(site.swap().activate(fresh, signal), { code });
    assert.deepEqual([site.programs(), site.marker()], before);
  });
}

Deno.test("activate() takes another version than the one that was rolled back, and compares paths as Windows", async () => {
  await using site = new Site();
  site.write("rolledback", { attempts: 4, newVersion: "1.0.5" });
  site.ownPath = site.ownPath.replaceAll("/", "\\").toUpperCase();
  await site.swap().activate(fresh, signal);
  assert.equal(site.marker(), "probation 1.1.0 0");
});

const [toPrevious, toProgram, back] = [
  "reagent.exe>reagent-prev.exe",
  `reagent-v${fresh}.exe>reagent.exe`,
  "reagent-prev.exe>reagent.exe",
];
const unchanged = { reagent: old, [`reagent-v${fresh}`]: fresh };
const failures: [refused: Record<string, number>, programs: Record<string, string>, marker: string, waits: number][] = [
  [{ [toPrevious]: 4 }, swapped, "probation 1.1.0 0", 4],
  [{ [toPrevious]: 5 }, unchanged, "none", 4],
  [{ [toProgram]: 4 }, swapped, "probation 1.1.0 0", 4],
  [{ [toProgram]: 5 }, unchanged, "none", 4],
  [
    { [toProgram]: 5, [back]: 5 },
    { "reagent-prev": old, [`reagent-v${fresh}`]: fresh },
    "swapping 1.1.0 0",
    8,
  ],
];
Deno.test("activate() tries renames five times, and undoes what it has done", async () => {
  for (const [refused, programs, marker, waits] of failures) {
    await using site = new Site();
    for (const [rename, count] of Object.entries(refused)) site.refused.set(rename, count);
    const switching = site.swap().activate(fresh, signal);
    if (marker.startsWith("probation")) await switching;
    else await assert.rejects(switching, { code: "io_failed" });
    assert.deepEqual(site.programs(), programs);
    assert.equal(site.marker(), marker);
    assert.deepEqual(site.sleeps, Array(waits).fill(300));
  }
});

const goodStart = { kept: swapped, back: { reagent: old, [`reagent-failed-v${fresh}`]: fresh } };
const toFailed = `reagent.exe>reagent-failed-v${fresh}.exe`;
const fourth: [refused: Record<string, number>, end: string, programs: Record<string, string>, marker: string][] = [
  [{}, "restart", goodStart.back, "rolledback 1.1.0 4"],
  [{ [toFailed]: 5 }, "run", goodStart.kept, "probation 1.1.0 4"],
  [{ [back]: 5 }, "run", goodStart.kept, "probation 1.1.0 4"],
];
Deno.test("the fourth start goes back, or runs on when the disk refuses and tries again", async () => {
  for (const [refused, end, programs, marker] of fourth) {
    await using site = new Site();
    await site.swap().activate(fresh, signal);
    site.write("probation", { attempts: 3 });
    for (const [rename, count] of Object.entries(refused)) site.refused.set(rename, count);
    assert.equal(await site.swap(fresh).settle(), end);
    assert.deepEqual(site.programs(), programs);
    assert.equal(site.marker(), marker);
    if (end === "run") assert.equal(await site.swap(fresh).settle(), "restart");
    const after = site.swap(old);
    assert.equal(await after.settle(), "run");
    assert.equal(await after.isBlocked(fresh), true);
    await after.noteHealthy();
    assert.equal(await after.isBlocked(fresh), true);
  }
});

Deno.test("without the version before nothing is renamed", async () => {
  await using site = new Site();
  await site.swap().activate(fresh, signal);
  site.write("probation", { attempts: 3 });
  await Deno.remove(`${site.folder}/reagent-prev.exe`);
  assert.equal(await site.swap(fresh).settle(), "run");
  assert.deepEqual(site.programs(), { reagent: fresh });
});

Deno.test("a marker of a swap that was interrupted, or that is none, goes or counts as none", async () => {
  for (const text of ["swapping", "\0\0\0", ""]) {
    await using site = new Site();
    if (text === "swapping") site.write("swapping");
    else site.place("update-state.json", text);
    assert.equal(await site.swap().settle(), "run");
    assert.equal(await site.swap().isBlocked(fresh), false);
    if (text === "swapping") assert.equal(site.marker(), "none");
    await site.swap().activate(fresh, signal);
    assert.equal(site.marker(), "probation 1.1.0 0");
  }
});
