/** Tests of the notes on work that the process may end in. */

import assert from "node:assert/strict";
import { WorkJournal } from "../../../../lib/apps/work/work_journal.ts";
import { hasCode } from "../../../../lib/base/errors.ts";
import { silentLog } from "../../../../lib/base/log.ts";

const id = { appKey: 7, stage: "PROD" } as const;
const other = { appKey: 8, stage: "PROD" } as const;

/** A device on which processes begin and end. */
class Device implements AsyncDisposable {
  readonly folder = Deno.makeTempDirSync();
  readonly path = `${this.folder}/notes`;
  boot: { id: string | undefined; uptimeMs: number } = { id: "boot", uptimeMs: 1_000 };
  readonly warnings: string[] = [];

  /** The journal of a new process. */
  begin(): WorkJournal {
    const log = { ...silentLog, warn: (message: string) => this.warnings.push(message) };
    return new WorkJournal({ path: this.path, readBoot: () => this.boot, log });
  }

  /** A process that ends in work on these apps. */
  async endIn(...ids: { appKey: number; stage: "PROD" | "DEV" }[]): Promise<void> {
    const journal = this.begin();
    const [first, ...others] = ids.map((each) => {
      return new Promise<void>((begun) => {
        void journal.run({ id: each, what: "deleting its data" }, () => new Promise(() => begun()));
      });
    });
    await first;
    // The others may wait for their turn, which never comes.
    void others;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.folder, { recursive: true });
  }
}

const isLeft = (error: unknown) =>
  hasCode(error, "left_alone") && error.message.startsWith("The agent has ended 2 times");

Deno.test("#1: run() leaves an app alone in which two processes have ended, and no other", async () => {
  await using device = new Device();
  await device.endIn(id);
  assert.equal(device.begin().leftAloneMs(id), undefined);
  await device.endIn(id);
  const journal = device.begin();
  await assert.rejects(journal.run({ id, what: "writing its variables" }, () => Promise.resolve()), isLeft);
  assert.equal(journal.leftAloneMs(id), 3_600_000);
  assert.equal(await journal.run({ id: other, what: "writing its variables" }, () => Promise.resolve("done")), "done");
  assert.equal(journal.leftAloneMs(other), undefined);
});

Deno.test("#1: run() tries again after an hour, when Studio asks, and after a power loss", async () => {
  const ways: ((device: Device) => WorkJournal)[] = [
    (device) => {
      device.boot.uptimeMs += 3_600_000;
      return device.begin();
    },
    (device) => {
      const journal = device.begin();
      journal.forget(id);
      return journal;
    },
    (device) => {
      device.boot = { id: "next boot", uptimeMs: 0 };
      return device.begin();
    },
  ];
  for (const way of ways) {
    await using device = new Device();
    await device.endIn(id);
    await device.endIn(id);
    assert.equal(await way(device).run({ id, what: "deleting its data" }, () => Promise.resolve("done")), "done");
    assert.deepEqual([...Deno.readDirSync(device.folder)], []);
    await device.endIn(id);
    assert.equal(device.begin().leftAloneMs(id), undefined, "it counts from the start again");
  }
});

Deno.test("run() counts no work that ends, however it ends", async () => {
  await using device = new Device();
  for (let count = 0; count < 3; count += 1) {
    const journal = device.begin();
    await assert.rejects(journal.run({ id, what: "deleting its data" }, () => Promise.reject(new Error("no"))), /no/);
    assert.deepEqual([...Deno.readDirSync(device.folder)], []);
  }
  const inner = () => Promise.resolve("both");
  const journal = device.begin();
  assert.equal(await journal.run({ id, what: "outer" }, () => journal.run({ id, what: "inner" }, inner)), "both");
});

Deno.test("#1: only the work that the process ends in is blamed: what was begun with it goes on one by one", async () => {
  await using device = new Device();
  await device.endIn(id, other);
  await device.endIn(id, other);
  const journal = device.begin();
  assert.notEqual(journal.leftAloneMs(id), undefined);
  assert.equal(await journal.run({ id: other, what: "deleting its data" }, () => Promise.resolve("done")), "done");
});

Deno.test("run() does its work where notes cannot be read or written, and without a number of the boot", async () => {
  await using device = new Device();
  await Deno.writeTextFile(device.path, '{"PROD/7": {"what": 1}, "x": null');
  assert.equal(await device.begin().run({ id, what: "x" }, () => Promise.resolve("done")), "done");
  assert.deepEqual(device.warnings, ["Cannot read the notes on unfinished work"]);
  await Deno.mkdir(`${device.path}/x`, { recursive: true });
  assert.equal(await device.begin().run({ id, what: "x" }, () => Promise.resolve("done")), "done");
  assert.equal(device.warnings.length, 2);
  await Deno.remove(device.path, { recursive: true });
  device.boot = { id: undefined, uptimeMs: 0 };
  for (let count = 0; count < 4; count += 1) await device.endIn(id);
  assert.equal(await device.begin().run({ id, what: "x" }, () => Promise.resolve("done")), "done");
});

Deno.test("#1: the notes of a process that was killed while it shortened them are read to the end of their line", async () => {
  await using device = new Device();
  await device.endIn(id);
  await device.endIn(id);
  await Deno.writeTextFile(device.path, '"}, the rest of longer notes', { append: true });
  assert.equal(device.begin().leftAloneMs(id), 3_600_000);
  // What is shorter takes the place of what is longer, and the file goes with the last note.
  const journal = device.begin();
  await journal.run({ id: other, what: "writing its variables" }, () => Promise.resolve());
  assert.equal((await Deno.readTextFile(device.path)).split("\n").length, 2);
  journal.forget(id);
  await assert.rejects(Deno.stat(device.path), Deno.errors.NotFound);
});
