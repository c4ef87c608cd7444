// box
/**
 * Power is lost while the agent writes to an ext4 file system, which loses everything that has not reached its device.
 * Acknowledged writes survive, interrupted ones are complete or absent, and every file can be opened.
 */

import assert from "node:assert/strict";
import { silentLog } from "../../lib/base/log.ts";
import { ConfigFile } from "../../lib/config.ts";
import { writeFileDurably } from "../../lib/files/atomic_file.ts";
import { Database } from "../../lib/store/database.ts";
import { openWithRecovery } from "../../lib/store/recovery.ts";
import { withInstalledPackages } from "../../scripts/packages.ts";
import { runProgram } from "../../scripts/programs.ts";
import { DiskWithPower, whyNoDiskWithPower } from "../../scripts/testbed/disk_with_power.ts";
import { deliverVersion, settleVersion } from "./version_switches.ts";
import { deliveredFlock, flockChange, isRelaxedStep, readAll, writeDatabaseStep } from "./durable_writes.ts";
import { projectRoot } from "../../scripts/paths.ts";

const cuts = 50;
/** After this many power cuts the test goes on in another, empty folder. */
const cutsPerFolder = 5;

/** The number of steps that the disk must have, and that it may have. */
interface Range {
  least: number;
  most: number;
}

/** Counts the steps on the disk after a power cut. */
interface Check extends Disposable {
  /** Writes what a device is delivered with to an empty folder. */
  deliver(folder: string): Promise<void>;
  /** Runs before each power cut. */
  prepare?(folder: string): Promise<void>;
  /** Throws when the number is not within the range. */
  count(folder: string, range: Range): Promise<number>;
}

const why = await whyNoDiskWithPower();

for (
  const [kind, what, startCheck] of [
    ["database", "the state of apps, requests, updates and reports", startDatabaseCheck],
    ["flock", "the .flock file", startFlockCheck],
    ["flock", "a .flock file that is a mount of its own", startMountedFlockCheck],
    ["versions", "the version of the agent that is run", startVersionsCheck],
  ] as const
) {
  const reason = why === undefined ? "" : ` (not here: ${why})`;
  const name = `${what}: no acknowledged write is lost in ${cuts} power cuts${reason}`;
  Deno.test({ name, ignore: why !== undefined }, async () => {
    await using disk = await DiskWithPower.create();
    for (let first = 0; first < cuts; first += cutsPerFolder) {
      using check = startCheck();
      const folder = `${disk.path}/${first}`;
      await Deno.mkdir(folder);
      await check.deliver(folder);
      await disk.sync();
      let step = 0;
      for (let cut = first; cut < first + cutsPerFolder; cut++) {
        await check.prepare?.(folder);
        const range = await writeUntilCut(disk, { kind, folder, from: step + 1, cut });
        step = await check.count(folder, range);
      }
    }
  });
}

/** Lets a child process write, and cuts the power at a different moment each time. */
async function writeUntilCut(
  disk: DiskWithPower,
  options: { kind: string; folder: string; from: number; cut: number },
): Promise<Range> {
  const { kind, folder, from, cut } = options;
  const writer = `${projectRoot}tests/fault/durable_writer.ts`;
  const project = ["--config", `${projectRoot}deno.json`, withInstalledPackages];
  const deno = [Deno.execPath(), "run", "--no-prompt", "--quiet", "-P=tools", ...project];
  // The first cut in a folder happens while the file is being created.
  const moment = cut % cutsPerFolder === 0
    ? { afterLines: 1, afterUs: (cut * 617) % 20_000 }
    : { afterLines: 2 + cut % 13, afterUs: (cut * 617) % 3_000 };
  const { before, later, errors } = await disk.losePower([...deno, writer, kind, folder, `${from}`], moment);
  // SQLite has several messages for a file whose disk fails while it is being opened.
  assert.match(
    errors,
    /disk I\/O error|disk image is malformed|unable to open database file|os error (5|30)\b|\b(EIO|EROFS)\b/,
  );
  const last = (lines: string[]) => Number(lines.filter((line) => line !== "begun").at(-1) ?? from - 1);
  return { least: last(before), most: last([...before, ...later]) + 1 };
}

function startDatabaseCheck(): Check {
  const folder = Deno.makeTempDirSync({ prefix: "replica-" });
  const replica = Database.open(`${folder}/reagent.db`, { log: silentLog });
  replica.sql.exec("PRAGMA synchronous = OFF");
  const known = [readAll(replica)];
  const rowsAfter = (step: number): string[] => {
    for (; known.length <= step; known.push(readAll(replica))) writeDatabaseStep(replica, known.length);
    return known[step] ?? [];
  };
  // A step that changes nothing writes nothing, so it brings no earlier one to the disk.
  const changesNothing = (step: number) => JSON.stringify(rowsAfter(step)) === JSON.stringify(rowsAfter(step - 1));
  return {
    deliver: () => Promise.resolve(),
    count: (place, { least: acknowledged, most }) => {
      let least = acknowledged;
      while (least > 0 && (isRelaxedStep(least) || changesNothing(least))) least -= 1;
      const { database, damagedPath } = openWithRecovery(`${place}/reagent.db`, { log: silentLog, now: new Date() });
      using kept = database;
      assert.equal(damagedPath, undefined, "the database was broken");
      const rows = readAll(kept);
      for (let step = least; step < most; step++) {
        if (JSON.stringify(rows) === JSON.stringify(rowsAfter(step))) return Promise.resolve(step);
      }
      assert.deepEqual(rows, rowsAfter(most), `the disk has neither ${least} steps nor up to ${most}`);
      return Promise.resolve(most);
    },
    [Symbol.dispose]: () => {
      replica[Symbol.dispose]();
      Deno.removeSync(folder, { recursive: true });
    },
  };
}

/** A file that is a mount of its own, as in a container, cannot be replaced; it is written in place. */
function startMountedFlockCheck(): Check {
  return {
    ...startFlockCheck(),
    prepare: async (folder) => {
      const file = `${folder}/device.flock`;
      assert.equal((await runProgram("mount", ["--bind", file, file])).code, 0);
    },
  };
}

function startFlockCheck(): Check {
  return {
    deliver: (folder) => writeFileDurably(`${folder}/device.flock`, JSON.stringify(deliveredFlock), { log: silentLog }),
    count: async (folder, { least, most }) => {
      const { current } = await ConfigFile.open(`${folder}/device.flock`, { log: silentLog });
      const step = current.swarmKey - 1;
      assert.ok(step >= least && step <= most, `the disk has ${step} steps and not ${least} to ${most}`);
      assert.equal(current.name, flockChange(step).name);
      assert.equal(current.secret, deliveredFlock.secret);
      return step;
    },
    [Symbol.dispose]: () => {},
  };
}

function startVersionsCheck(): Check {
  return {
    deliver: deliverVersion,
    count: async (folder, { least, most }) => {
      const step = await settleVersion(folder, silentLog);
      assert.ok(step >= least && step <= most, `the disk has version ${step} and not ${least} to ${most}`);
      return step;
    },
    [Symbol.dispose]: () => {},
  };
}
