/** What publishing does, for a folder and a bucket alike. */

import assert from "node:assert/strict";
import { readUpdateKeys } from "../../../lib/self_update/minisign.ts";
import { verifyIndex } from "../../../lib/self_update/verify_index.ts";
import { ownPlatform } from "../../../scripts/build/target.ts";
import { makeMinisignKeys, minisignProblem } from "../signing/minisign_keys.ts";
import { ownName, type PublishPlace } from "./place.ts";

/** A case; the place is new. */
export interface PublishCase {
  name: string;
  run(place: PublishPlace): Promise<void>;
}

const own = ownPlatform();
const others = ["linux/arm64", "linux/amd64"].filter((platform) => platform !== own);

async function mustDo(place: PublishPlace, task: string, ...args: string[]): Promise<void> {
  assert.equal(await place.run(task, ...args), 0, place.printed.join("\n"));
}

async function mustFail(place: PublishPlace, message: RegExp, [task = "", ...args]: string[]): Promise<void> {
  const before = await place.read("availableVersions.json");
  assert.equal(await place.run(task, ...args), 1, place.printed.join("\n"));
  assert.match(place.printed.join("\n"), message);
  assert.equal(await place.read("availableVersions.json"), before, "what is live stays as it is");
}

async function index(place: PublishPlace): Promise<Record<string, string>> {
  return JSON.parse(await place.read("availableVersions.json") ?? "null");
}

/** Two versions, one after the other, both live for all. */
async function releaseTwo(place: PublishPlace): Promise<void> {
  for (const version of ["0.21.0", "0.22.0"]) {
    await place.makeBuild(version);
    await mustDo(place, "publish");
    await mustDo(place, "promote");
  }
}

/** All cases. */
export const publishCases: readonly PublishCase[] = [
  {
    name: "publish stages executables only; promote makes copies, the version and the index",
    async run(place) {
      await place.makeBuild("0.21.0", [own, ...others, "windows/amd64"]);
      await mustDo(place, "publish");
      const staged = (platform: string, file = "reagent") =>
        ["", ".cdx.json", ".sha256"].map((end) => `${platform}/0.21.0/${file}${end}`);
      const all = [own, ...others].flatMap((platform) => staged(platform));
      assert.deepEqual(await place.files(), [...all, ...staged("windows/amd64", "reagent.exe")].sort());
      assert.match(await place.read(`${own}/0.21.0/reagent.sha256`) ?? "", /^[0-9a-f]{64}\n$/);
      await mustDo(place, "promote");
      const latest = (await place.files()).filter((path) => path.includes("/latest/"));
      assert.equal(latest.length, (all.length / 3 + 1) * 3);
      assert.equal(await place.read("version.txt"), "0.21.0");
      assert.equal(await place.read(`${own}/latest/reagent`), await place.read(`${own}/0.21.0/reagent`));
      const { "index.number": number, ...channels } = await index(place);
      assert.deepEqual(channels, { production: "0.21.0", test: "0.21.0", all: "0.21.0" });
      assert.match(number ?? "", /^\d{10}$/);
      assert.deepEqual((await place.files()).filter((path) => path.startsWith("pending/")), []);
    },
  },
  {
    name: "everything can be run again, and what is there is not sent again",
    async run(place) {
      await place.makeBuild("0.21.0");
      await mustDo(place, "publish");
      await mustDo(place, "publish");
      assert.ok(place.printed.slice(0, -1).every((line) => line.startsWith("=")), place.printed.join("\n"));
      await mustDo(place, "promote");
      const before = await place.read("availableVersions.json");
      await mustDo(place, "promote");
      assert.equal(await place.read("availableVersions.json"), before);
      for (const task of ["publish-latest-alias", "publish-version", "publish-latestVersions"]) {
        await mustDo(place, task);
      }
    },
  },
  {
    name: "nothing goes live that is not staged, whole, and there for every device in the field",
    async run(place) {
      await place.makeBuild("0.21.0", [own, ...others]);
      for (const task of ["promote", "publish-latest-alias", "publish-version", "publish-latestVersions"]) {
        await mustFail(place, /nothing staged for 0\.21\.0/, [task]);
      }
      await mustDo(place, "publish");
      const required = ["promote", "--require-arch", "linux/armv7,linux/arm/6"];
      await mustFail(place, /0\.21\.0 is not staged for linux\/armv6, linux\/armv7/, required);
      await mustDo(place, "promote");
      await place.makeBuild("0.22.0", [own]);
      await mustDo(place, "publish");
      await mustFail(place, new RegExp(`0\\.22\\.0 is not staged for ${others.join(", ")}, and devices`), ["promote"]);
      await place.write(`${own}/0.22.0/reagent`, "<html>503</html>");
      await mustFail(place, /does not have its checksum/, ["promote", "--drop-arch", others.join(",")]);
      await mustDo(place, "publish");
      await mustDo(place, "promote", "--drop-arch", others.join(","));
      assert.equal((await index(place))["production.previous"], "0.21.0");
    },
  },
  {
    name: "a live version never gets other bytes, and files that are not what was built are not staged",
    async run(place) {
      await place.makeBuild("0.21.0");
      const file = `${place.folder}/project/build/${ownName}`;
      await Deno.writeTextFile(`${file}.sha256`, `${"0".repeat(64)}\n`);
      await mustFail(place, /has changed since it was built/, ["publish"]);
      await Deno.remove(`${file}.sha256`);
      await Deno.writeTextFile(file, "#!/bin/sh\necho 0.20.0\n");
      await mustFail(place, /-version must print 0\.21\.0, it printed "0\.20\.0"/, ["publish"]);
      await Deno.remove(file);
      await mustFail(place, /There is nothing to publish/, ["publish"]);
      await mustFail(place, /The tag is v0\.22\.0, and deno\.json has version 0\.21\.0/, [
        "publish",
        "--tag",
        "v0.22.0",
      ]);
      await place.makeBuild("0.21.0");
      await mustDo(place, "publish");
      await mustDo(place, "promote");
      await Deno.writeTextFile(file, "# another comment\n", { append: true });
      await mustFail(place, /0\.21\.0 is live, and .* would get another content/, ["publish"]);
    },
  },
  {
    name: "a share changes the index only, grows, pauses, and goes away or becomes everybody's",
    async run(place) {
      await place.makeBuild("0.21.0");
      await mustDo(place, "publish");
      await mustFail(place, /has no version yet/, ["promote", "--share", "10%"]);
      await mustDo(place, "promote");
      await place.makeBuild("0.22.0");
      await mustDo(place, "publish");
      await mustDo(place, "promote", "--share", "10%", "--channel", "production");
      assert.equal(await place.read("version.txt"), "0.21.0");
      const first = await index(place);
      assert.deepEqual([first.production, first["production.next"], first["production.share"], first["all.next"]], [
        "0.21.0",
        "0.22.0",
        "10%",
        undefined,
      ]);
      await mustFail(place, /0\.22\.0 is live, and .* would get another content/, await changedBuild(place));
      await mustDo(place, "rollout", "--pause", "--yes");
      assert.equal((await index(place))["production.share"], "0%");
      await mustDo(place, "promote", "--share", "0.5%", "--channel", "production");
      const numbers = [first["index.number"], (await index(place))["index.number"]].map(Number);
      assert.ok((numbers[0] ?? 0) < (numbers[1] ?? 0), "the number grows");
      await mustDo(place, "rollout", "--back", "--yes");
      assert.equal((await index(place))["production.next"], undefined);
      await mustFail(place, /No channel of production, test, all has a version that only a share may take/, [
        "rollout",
        "--pause",
        "--yes",
      ]);
      await mustDo(place, "promote", "--share", "100%");
      assert.deepEqual([(await index(place)).production, await place.read("version.txt")], ["0.22.0", "0.22.0"]);
    },
  },
  {
    name: "the script for installers goes live with its version, and back with it",
    async run(place) {
      for (const version of ["0.21.0", "0.22.0"]) {
        await place.makeBuild(version);
        await Deno.writeTextFile(`${place.folder}/project/build/install.sh`, `# ${version}\n`);
        await mustDo(place, "publish");
        await mustDo(place, "promote");
        assert.equal(await place.read("install.sh"), `# ${version}\n`);
      }
      await mustDo(place, "rollout", "--back", "--yes");
      assert.equal(await place.read("install.sh"), "# 0.21.0\n");
    },
  },
  {
    name: "the way back makes the version before live again, in the copies for people too",
    async run(place) {
      await releaseTwo(place);
      assert.equal(await place.run("rollout", "--back"), 1);
      assert.match(place.printed.join("\n"), /Go back to the version before .*\?[^]*Run it again with --yes/);
      assert.equal((await index(place)).production, "0.22.0", "only --yes answers");
      await mustDo(place, "rollout", "--back", "--yes");
      assert.deepEqual([(await index(place)).production, await place.read("version.txt")], ["0.21.0", "0.21.0"]);
      assert.equal(await place.read(`${own}/latest/reagent`), await place.read(`${own}/0.21.0/reagent`));
      await mustFail(place, /No channel of production, test, all has a version before this one/, [
        "rollout",
        "--back",
        "--yes",
      ]);
      await place.makeBuild("0.20.0");
      await mustDo(place, "publish");
      await mustFail(place, /has 0\.21\.0, which is newer than 0\.20\.0/, ["promote"]);
    },
  },
  {
    name: "what is signed stays signed: index, executables and copies, by keys that minisign knows",
    async run(place) {
      const keys = await makeMinisignKeys(place.folder);
      const sign = ["--sign-key", keys.secretFile];
      await place.makeBuild("0.21.0");
      await mustDo(place, "publish");
      await mustFail(place, /is not signed/, ["promote", ...sign]);
      await mustDo(place, "publish", ...sign);
      await mustDo(place, "promote", ...sign);
      for (const path of ["availableVersions.json", `${own}/0.21.0/reagent`, `${own}/latest/reagent`]) {
        const file = `${place.folder}/copy`;
        await Deno.writeTextFile(file, await place.read(path) ?? "");
        await Deno.writeTextFile(`${file}.minisig`, await place.read(`${path}.minisig`) ?? "");
        assert.equal(await minisignProblem(file, keys), undefined, path);
      }
      const verified = await verifyIndex({
        text: await place.read("availableVersions.json") ?? "",
        signature: await place.read("availableVersions.json.minisig"),
      }, { keys: readUpdateKeys(await Deno.readTextFile(keys.publicFile)), newestSeen: 0 });
      assert.equal(verified.channels.get("production")?.version, "0.21.0");
      await place.makeBuild("0.22.0");
      await mustFail(place, /is not signed, and agents refuse it: --sign-key is missing/, ["publish"]);
      await mustDo(place, "publish", ...sign);
      await mustFail(place, /is signed, and agents refuse one that is not: --sign-key is missing/, ["promote"]);
      assert.equal(await place.read("version.txt"), "0.21.0");
      const stranger = await makeMinisignKeys(place.folder, { name: "stranger" });
      await mustFail(place, /has a bad signature/, ["promote", "--sign-key", stranger.secretFile]);
      await mustDo(place, "promote", ...sign);
    },
  },
  {
    name: "wrong arguments do nothing",
    async run(place) {
      await place.makeBuild("0.21.0");
      const table = [["--share", "10"], ["--share", "10%", "--pause"], ["--require-arch", "armv7"], ["--nonsense"], [
        "word",
      ]];
      for (const args of table) assert.equal(await place.run("promote", ...args), 2, args.join(" "));
      assert.deepEqual(await place.files(), []);
    },
  },
];

/** Another content for the version that is being rolled out. */
async function changedBuild(place: PublishPlace): Promise<string[]> {
  await Deno.writeTextFile(`${place.folder}/project/build/${ownName}`, "# x\n", { append: true });
  return ["publish"];
}
