import assert from "node:assert/strict";
import { silentLog } from "../../../lib/base/log.ts";
import { Activation } from "../../../lib/self_update/activation.ts";
import { decodeActivation } from "../../../lib/self_update/activation_state.ts";
import { UpdateRecordFile } from "../../../lib/self_update/update_record.ts";
import { agentBodies, GuardedService } from "../../fakes/guarded_service.ts";

const [old, fresh] = ["1.0.0", "1.1.0"];

/** A device with both versions on its disk, of which the old one is linked. */
class Site extends GuardedService {
  static async create(): Promise<Site> {
    const site = new Site({ shell: ["sh"] });
    await site.addVersion(old, agentBodies.runs);
    await site.addVersion(fresh, agentBodies.runs);
    site.link("program", old);
    return site;
  }

  get record(): UpdateRecordFile {
    return new UpdateRecordFile({ path: `${this.folder}/self_update.json`, log: silentLog });
  }

  /** Another one is another process. */
  activation(running: string, record: Pick<UpdateRecordFile, "read" | "change"> = this.record): Activation {
    return new Activation({ agentDir: this.folder, running, record, log: silentLog });
  }

  names(): string[] {
    return [...Deno.readDirSync(this.folder)].map(({ name }) => name).sort();
  }
}

Deno.test("a switch, a probation and a proof", async () => {
  await using site = await Site.create();
  await site.activation(old).switchTo(fresh, "connection");
  assert.deepEqual([site.linked("program"), site.linked("fallback")], [`reagent-v${fresh}`, `reagent-v${old}`]);
  const next = site.activation(fresh);
  assert.deepEqual(await next.settle(), { kind: "probation", from: old, needs: "connection" });
  assert.equal((await site.record.read()).last?.outcome, "probation");
  await assert.rejects(next.switchTo("1.2.0", "connection"), { code: "busy" });
  await next.noteReached();
  assert.equal(site.state().connected, "yes");
  assert.equal(await next.takeForGood(old), true);
  assert.equal(site.linked("fallback"), undefined);
  assert.deepEqual(await site.record.read(), {
    newestIndex: 0,
    last: { from: old, to: fresh, outcome: "updated", why: "" },
  });
  assert.deepEqual(await site.activation(fresh).settle(), { kind: "settled" });
  assert.deepEqual(site.names(), ["guard.sh", "reagent", "reagent-v1.0.0", "reagent-v1.1.0", "self_update.json"]);
});

Deno.test("a program that is no link, or lies elsewhere, gets its place before the switch", async () => {
  for (const isElsewhere of [false, true]) {
    await using site = await Site.create();
    await Deno.remove(`${site.folder}/reagent-v${old}`);
    site.unlink("program");
    const program = isElsewhere ? `${site.folder}/elsewhere` : `${site.folder}/reagent`;
    await Deno.writeTextFile(program, "#!/bin/sh\n", { mode: 0o755 });
    if (isElsewhere) Deno.symlinkSync(program, `${site.folder}/reagent`);
    await site.activation(old).switchTo(fresh, "engine");
    const { mode } = await Deno.stat(`${site.folder}/reagent-v${old}`);
    assert.equal((mode ?? 0) & 0o777, 0o755);
    assert.deepEqual([site.linked("program"), site.linked("fallback")], [`reagent-v${fresh}`, `reagent-v${old}`]);
    assert.equal(decodeActivation(Deno.readTextFileSync(`${site.folder}/self_update.state`))?.needs, "engine");
  }
});

Deno.test("a switch to what is not there does not happen, and leaves the version that runs", async () => {
  await using site = await Site.create();
  await assert.rejects(site.activation(old).switchTo("1.2.0", "connection"), { code: "io_failed" });
  assert.equal(site.linked("program"), `reagent-v${old}`);
  assert.deepEqual(await site.activation(old).settle(), { kind: "interrupted" });
  assert.deepEqual(site.names(), ["guard.sh", "reagent", "reagent-v1.0.0", "reagent-v1.1.0"]);
});

Deno.test("what the guard has gone back from is noted once, and blocked until a newer one comes", async () => {
  await using site = await Site.create();
  await site.activation(old).switchTo(fresh, "connection");
  const text = Deno.readTextFileSync(`${site.folder}/self_update.state`);
  site.writeState(text.replace("phase=trial", "phase=rolledBack").replace("why=", "why=it has ended 3 times"));
  Deno.renameSync(`${site.folder}/reagent.fallback`, `${site.folder}/reagent`);
  const bad = { from: old, to: fresh, why: "it has ended 3 times" };
  for (const isFirst of [true, false]) {
    const activation = site.activation(old);
    assert.deepEqual(await activation.settle(), isFirst ? { kind: "rolledBack", ...bad } : { kind: "settled" });
    assert.equal(await activation.whyBlocked(fresh), "it has ended 3 times");
    assert.equal(await activation.whyBlocked("1.2.0"), undefined);
  }
  assert.deepEqual((await site.record.read()).last, { ...bad, outcome: "rolledBack" });
  await site.record.change({ last: { from: old, to: "1.2.0", outcome: "failed", why: "" } });
  assert.equal(await site.activation(old).whyBlocked(fresh), "it was rolled back");
});

Deno.test("what cannot be noted is blocked all the same, and noted at the next start", async () => {
  await using site = await Site.create();
  await site.activation(old).switchTo(fresh, "connection");
  Deno.renameSync(`${site.folder}/reagent.fallback`, `${site.folder}/reagent`);
  const full = { read: () => site.record.read(), change: () => Promise.reject(new Error("no space")) };
  const activation = site.activation(old, full);
  assert.equal((await activation.settle()).kind, "rolledBack");
  assert.match(await activation.whyBlocked(fresh) ?? "", /the reason could not be noted/);
  assert.equal((await site.activation(old).settle()).kind, "rolledBack");
  assert.equal((await site.record.read()).last?.outcome, "rolledBack");
});

Deno.test("an end that somebody has asked for is no failed start", async () => {
  await using site = await Site.create();
  await site.activation(old).switchTo(fresh, "connection");
  site.writeState(Deno.readTextFileSync(`${site.folder}/self_update.state`).replace("starts=0", "starts=2"));
  const next = site.activation(fresh);
  await next.forgiveStart();
  assert.equal(site.state().starts, "1");
  // The guard has gone back meanwhile: its reason stays.
  Deno.renameSync(`${site.folder}/reagent.fallback`, `${site.folder}/reagent`);
  await next.forgiveStart();
  await next.noteReached();
  assert.deepEqual([site.state().starts, site.state().connected], ["1", "no"]);
  assert.equal(await next.takeForGood(old), false);
});
