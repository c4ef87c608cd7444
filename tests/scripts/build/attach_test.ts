// box
/** What stands next to the results, checked by the programs of others: sha256sum, minisign, the CycloneDX schema. */

import assert from "node:assert/strict";
import { Spec, Validation } from "@cyclonedx/cyclonedx-library";
import { readUpdateKeys } from "../../../lib/self_update/minisign.ts";
import { build } from "../../../scripts/build.ts";
import { projectRoot } from "../../../scripts/paths.ts";
import { mustRun, runProgram } from "../../../scripts/programs.ts";
import { ownPlatform } from "../../../scripts/build/target.ts";
import { makeMinisignKeys, minisignProblem } from "../signing/minisign_keys.ts";

async function makePlace() {
  const folder = await Deno.makeTempDir({ prefix: "reagent-attach-" });
  const printed: string[] = [];
  const run = (args: readonly string[], environment: Readonly<Record<string, string>> = {}) =>
    build(args, {
      entry: `${projectRoot}main.ts`,
      folder: `${folder}/build`,
      targets: ownPlatform(),
      environment: { ...Deno.env.toObject(), SOURCE_DATE_EPOCH: "1796083200", ...environment },
      version: "0.21.0",
      say: (text) => void printed.push(text),
    });
  return { folder, printed, run, [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }) };
}

async function filesIn(folder: string): Promise<string[]> {
  return (await Array.fromAsync(Deno.readDir(folder), ({ name }) => name)).sort();
}

const executable = `reagent-${ownPlatform().replace("/", "-")}`;

Deno.test("each result has a checksum, a signature and a bill that others can check", async () => {
  await using place = await makePlace();
  const keys = await makeMinisignKeys(place.folder);
  const next = await makeMinisignKeys(place.folder, { name: "next" });
  const args = ["--update-key", keys.publicFile, "--update-key", next.publicFile, "--sign-key", keys.secretFile];
  assert.equal(await place.run(args, { DENORT_BIN: await Deno.realPath("/bin/true") }), 0, place.printed.join("\n"));
  const folder = `${place.folder}/build`;
  const results = ["reagent", executable, "reagent.js"];
  const ends = ["", ".cdx.json", ".minisig", ".sha256"];
  const expected = [
    "SHA256SUMS",
    "install.sh",
    "sbom",
    ...results.flatMap((name) => ends.map((end) => `${name}${end}`)),
  ];
  assert.deepEqual(await filesIn(folder), expected.sort());
  await mustRun("sha256sum", ["--check", "--strict", "SHA256SUMS"], { cwd: folder });
  const schema = new Validation.JsonStrictValidator(Spec.Version.v1dot6);
  for (const name of results) {
    assert.match(await Deno.readTextFile(`${folder}/${name}.sha256`), /^[0-9a-f]{64}\n$/);
    assert.equal(await minisignProblem(`${folder}/${name}`, keys), undefined);
    const bill = await Deno.readTextFile(`${folder}/${name}.cdx.json`);
    assert.equal(await schema.validate(bill), null, name);
    assertBill(JSON.parse(bill), { name, sha256: (await Deno.readTextFile(`${folder}/${name}.sha256`)).trim() });
  }
  assert.equal(await schema.validate(await Deno.readTextFile(`${folder}/sbom/reagent-0.21.0.cdx.json`)), null);
  const bundle = await Deno.readTextFile(`${folder}/reagent.js`);
  for (const { publicFile } of [keys, next]) {
    const [, line = ""] = (await Deno.readTextFile(publicFile)).split("\n");
    assert.ok(bundle.includes(line), "each key is built in");
  }
  const version = await runProgram(Deno.execPath(), ["run", "-A", "--no-config", `${folder}/reagent.js`, "-version"]);
  assert.match(version.stdout, /^\d+\.\d+\.\d+\n$/);
});

function assertBill(bill: unknown, { name, sha256 }: { name: string; sha256: string }): void {
  const { metadata, components, dependencies } = Object(bill);
  assert.deepEqual(metadata.component.hashes, [{ alg: "SHA-256", content: sha256 }]);
  assert.equal(metadata.timestamp, "2026-12-01T00:00:00.000Z");
  const purls = components.map(({ purl }: { purl: string }) => purl);
  for (const wanted of ["pkg:npm/ws@", "pkg:npm/autobahn@", "pkg:npm/dockerode@", "pkg:npm/%40logtape/logtape@"]) {
    assert.ok(purls.some((purl: string) => purl.startsWith(wanted)), `${wanted} in ${purls}`);
  }
  assert.ok(!purls.some((purl: string) => purl.includes("cyclonedx") || purl.includes("types")), purls.join());
  const hasRuntime = purls.some((purl: string) => purl === `pkg:github/denoland/deno@v${Deno.version.deno}`);
  assert.equal(hasRuntime, name !== "reagent.js");
  const dockerode = dependencies.find(({ ref }: { ref: string }) => ref.startsWith("pkg:npm/dockerode@"));
  assert.ok(dockerode.dependsOn.some((ref: string) => ref.startsWith("pkg:npm/docker-modem@")));
}

Deno.test("the same sources have the same bills, and without a key there is no signature, also no older one", async () => {
  await using place = await makePlace();
  const keys = await makeMinisignKeys(place.folder);
  const folder = `${place.folder}/build`;
  assert.equal(await place.run(["--bundle-only"], { REAGENT_SIGN_KEY: keys.secretFile }), 0, place.printed.join("\n"));
  assert.equal(await minisignProblem(`${folder}/reagent.js`, keys), undefined);
  const first = await Deno.readTextFile(`${folder}/reagent.js.cdx.json`);
  assert.equal(await place.run(["--bundle-only"]), 0);
  assert.equal(await Deno.readTextFile(`${folder}/reagent.js.cdx.json`), first);
  assert.deepEqual((await filesIn(folder)).filter((name) => name.endsWith(".minisig")), []);
  assert.match(place.printed.join("\n"), /these agents take updates without a signature/);
});

Deno.test("a program knows the keys that were built in, before those of its environment", async () => {
  await using place = await makePlace();
  const [one, two, three] = await Promise.all(
    ["one", "two", "three"].map((name) => makeMinisignKeys(place.folder, { name })),
  );
  const entry = `${place.folder}/entry.ts`;
  const keys = `${projectRoot}lib/self_update/built_in_keys.ts`;
  await Deno.writeTextFile(
    entry,
    `import { updateKeysOf } from ${JSON.stringify(keys)};
    console.log(updateKeysOf(Deno.env).map(({ id }) => id).join(" "));`,
  );
  const folder = `${place.folder}/out`;
  const options = { entry, folder, targets: ownPlatform(), environment: Deno.env.toObject(), say: () => {} };
  const idsOf = async (...files: (string | undefined)[]) =>
    (await Promise.all(files.map(async (file) => readUpdateKeys(await Deno.readTextFile(file ?? ""))[0]?.id))).join(
      " ",
    );
  const env = { REAGENT_UPDATE_KEY: await Deno.readTextFile(three?.publicFile ?? "") };
  const run = async () => (await runProgram(`${folder}/reagent`, [], { env })).stdout.trim();
  assert.equal(await build(["--bundle-only"], options), 0);
  assert.equal(await run(), await idsOf(three?.publicFile));
  const both = ["--update-key", one?.publicFile ?? "", "--update-key", two?.publicFile ?? ""];
  assert.equal(await build(["--bundle-only", ...both], options), 0);
  assert.equal(await run(), await idsOf(one?.publicFile, two?.publicFile));
  await Deno.writeTextFile(entry, "console.log(1);");
  assert.equal(await build(["--bundle-only", ...both], options), 1, "a program without a place for keys");
});

Deno.test("keys that do not fit, or are none, build nothing", async () => {
  await using place = await makePlace();
  const keys = await makeMinisignKeys(place.folder);
  const other = await makeMinisignKeys(place.folder, { name: "other" });
  await Deno.writeTextFile(`${place.folder}/empty`, "untrusted comment: nothing\n");
  const table: [string[], RegExp][] = [
    [["--update-key", other.publicFile, "--sign-key", keys.secretFile], /would refuse its signatures: they know/],
    [["--update-key", keys.secretFile], /line 2 is no minisign key/],
    [["--update-key", `${place.folder}/empty`], /There is no key in/],
    [["--update-key", `${place.folder}/missing`], /No such file/],
    [["--sign-key", keys.publicFile], /no minisign secret key/],
  ];
  for (const [args, message] of table) {
    place.printed.length = 0;
    assert.equal(await place.run(["--bundle-only", ...args]), 1);
    assert.match(place.printed.join("\n"), message);
  }
  assert.deepEqual((await filesIn(place.folder)).includes("build"), false);
});
