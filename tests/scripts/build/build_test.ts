import assert from "node:assert/strict";
import { platformOf } from "../../../scripts/build/base_executable.ts";
import { buildUsage } from "../../../scripts/build/arguments.ts";
import type { EmbeddedPart } from "../../../scripts/build/embedded_parts.ts";
import { build } from "../../../scripts/build.ts";
import { startRouter } from "../../lib/wamp/open_session.ts";
import { ownPlatform } from "../../../scripts/build/target.ts";
import { pathOf, projectRoot } from "../../../scripts/paths.ts";
import { mustRun, runProgram } from "../../../scripts/programs.ts";

const entry = pathOf("bundle_trial.ts", import.meta.url);

const environment = Deno.env.toObject();

/** A folder for a build, and the lines it prints. */
async function makePlace(): Promise<
  AsyncDisposable & { folder: string; printed: string[]; say: (text: string) => void }
> {
  const folder = await Deno.makeTempDir({ prefix: "reagent-build-" });
  const printed: string[] = [];
  return {
    folder,
    printed,
    say: (text) => void printed.push(text),
    [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }),
  };
}

async function filesIn(folder: string): Promise<string[]> {
  return (await Array.fromAsync(Deno.readDir(folder), ({ name }) => name)).sort();
}

Deno.test("a bundle of the real dependencies runs without the project, and its errors are clear", async () => {
  await using place = await makePlace();
  const { folder, printed, say } = place;
  assert.equal(
    await build(["--bundle-only"], { entry, folder, targets: "linux/amd64", environment, say }),
    0,
    printed.join("\n"),
  );
  assert.deepEqual(await filesIn(folder), ["reagent", "reagent.js"]);
  assert.match(
    printed.join("\n"),
    /^ok\s+bundle: .*\/reagent\.js, \d{6} bytes, \d{5,6} with gzip\nok\s+program: .*\/reagent, a launcher .*$/,
  );

  await using router = await startRouter();
  const { success, text } = await runAlone(folder, ["1", router.url]);
  assert.ok(success, text);
  const seen = JSON.parse(text);
  assert.equal(seen.database, "has tables");
  assert.equal(seen.nobody, "Cannot connect: Cannot connect to 127.0.0.1:1: connect ECONNREFUSED 127.0.0.1:1");
  assert.equal(seen.router, "answered hello");
  assert.match(seen.engine, /^engine_unreachable: Listing containers failed, .* ENOENT .*engine\.sock/);
});

Deno.test("what belongs to this machine's executable stands next to the launcher, and must not be missing", async () => {
  await using place = await makePlace();
  const { folder, printed } = place;
  await Deno.writeTextFile(`${folder}/entry.ts`, "");
  await Deno.writeTextFile(`${folder}/helper-linux.gz`, "of an earlier build");
  let problem: Error | undefined = undefined;
  const helper: EmbeddedPart = {
    name: "helper",
    fileFor: ({ name }) => name.startsWith("windows/") ? undefined : `helper-${name.split("/")[0]}.gz`,
    make: async (target, { folder }) => {
      if (problem !== undefined) throw problem;
      await Deno.writeTextFile(`${folder}/${helper.fileFor(target)}`, target.name);
    },
  };
  const options = { ...place, entry: `${folder}/entry.ts`, targets: "linux/amd64", environment, parts: [helper] };
  assert.equal(await build(["--bundle-only"], options), 0, printed.join("\n"));
  assert.equal(await Deno.readTextFile(`${folder}/helper-${Deno.build.os}.gz`), ownPlatform());
  problem = new Error("there is no Go");
  assert.equal(await build(["--bundle-only"], options), 1);
  assert.match(printed.join("\n"), /^FAILED helper for \S+: there is no Go\n.*\n1 of 2 results are missing$/ms);
  assert.ok(!(await filesIn(folder)).includes(`helper-${Deno.build.os}.gz`));
});

Deno.test("a bundle that does not run is missing", async () => {
  await using place = await makePlace();
  const { folder, printed } = place;
  await Deno.writeTextFile(`${folder}/entry.ts`, `if (Deno.args[0] !== "well") throw new Error("no such file");`);
  const options = { ...place, entry: `${folder}/entry.ts`, targets: "linux/amd64", environment };
  assert.equal(await build(["--bundle-only"], { ...options, trial: { args: ["badly"] } }), 1);
  assert.match(
    printed.join("\n"),
    /^ok\s+bundle: .*\nFAILED bundle: it does not run: [^]*no such file[^]*\n1 of 1 results are missing$/,
  );
  printed.length = 0;
  assert.equal(await build(["--bundle-only"], { ...options, trial: { args: ["well"], prints: "1.2.3" } }), 1);
  assert.match(printed.join("\n"), /FAILED bundle: it does not run: well must print "1\.2\.3", it printed ""\n/);
  assert.equal(await build(["--bundle-only"], { ...options, trial: { args: ["well"] } }), 0);
});

Deno.test("a bundle that cannot be made is missing, and so are results of an earlier build", async () => {
  await using place = await makePlace();
  const { folder, printed } = place;
  await Deno.writeTextFile(`${folder}/broken.ts`, `import "./nowhere.ts";`);
  for (const name of ["reagent", "reagent.js", "reagent-linux-amd64", "reagent-linux-arm64"]) {
    await Deno.writeTextFile(`${folder}/${name}`, "old");
  }
  const denortBin = `${folder}/broken.ts`;
  const options = {
    ...place,
    entry: `${folder}/broken.ts`,
    targets: "linux/amd64\nlinux/arm64",
    environment: { ...environment, DENORT_BIN: denortBin },
  };
  assert.equal(await build(["linux/arm64"], options), 1);
  assert.deepEqual(await filesIn(folder), ["broken.ts", "reagent-linux-amd64"]);
  assert.match(printed[0] ?? "", /^FAILED bundle: [^]*nowhere\.ts/);
  assert.equal(
    printed[1],
    `FAILED linux/arm64: DENORT_BIN ("${denortBin}") is not an executable of a platform that the agent is built for`,
  );
  assert.equal(printed[2], "2 of 2 results are missing");
});

Deno.test("wrong arguments build nothing", async () => {
  await using place = await makePlace();
  const { folder, printed, say } = place;
  assert.equal(await build(["--all"], { entry, folder: `${folder}/out`, targets: "linux/amd64", environment, say }), 2);
  assert.deepEqual([printed, await filesIn(folder)], [[buildUsage], []]);
});

Deno.test({
  name: "an executable is the base executable with the agent's permissions and no prompts; other targets are skipped",
  ignore: Deno.build.os !== "linux",
  async fn() {
    await using place = await makePlace();
    const { folder, printed, say } = place;
    const [own, other] = Deno.build.arch === "x86_64" ? ["amd64", "arm64"] : ["arm64", "amd64"];
    await Deno.writeTextFile(`${folder}/reagent-linux-${other}`, "old");
    const targets = `linux/${own}\nlinux/${other}\n`;
    // Any executable serves as a base; this one ignores what is embedded.
    const denortBin = "/bin/true";
    assert.equal(
      await build([], { entry, folder, targets, environment: { ...environment, DENORT_BIN: denortBin }, say }),
      0,
      printed.join("\n"),
    );
    assert.deepEqual(await filesIn(folder), ["reagent", `reagent-linux-${own}`, "reagent.js"]);
    assert.match(printed[2] ?? "", new RegExp(`^-\\s+linux/${other}: skipped, DENORT_BIN is for linux/${own}`));

    const bytes = await Deno.readFile(`${folder}/reagent-linux-${own}`);
    assert.deepEqual(await Deno.readFile(`${folder}/reagent`), bytes);
    assert.ok(includes(bytes, await Deno.readFile(`${folder}/reagent.js`)), "it has the bytes of the bundle in it");
    const head = await Deno.readFile(denortBin);
    assert.deepEqual(bytes.subarray(0, 16), head.subarray(0, 16));
    const [, permissions = ""] = /"permissions":(\{[^}]*\})/.exec(new TextDecoder("latin1").decode(bytes)) ?? [];
    const { allow_net, allow_run, allow_ffi, deny_net, prompt } = JSON.parse(permissions);
    // An empty list allows everything of its kind.
    assert.deepEqual({ allow_net, allow_run, allow_ffi, deny_net, prompt }, {
      allow_net: [],
      allow_run: [],
      allow_ffi: [],
      deny_net: null,
      prompt: false,
    });
  },
});

Deno.test({
  name: "a named target never gets the base executable of another platform",
  ignore: Deno.build.os !== "linux",
  async fn() {
    await using place = await makePlace();
    const { folder, printed, say } = place;
    const other = Deno.build.arch === "x86_64" ? "linux/arm64" : "linux/amd64";
    const [own] = ["linux/amd64", "linux/arm64"].filter((name) => name !== other);
    // The download fails; only a machine that has the right one in its cache can build this.
    const noNetwork = { HTTPS_PROXY: "http://127.0.0.1:1", DENORT_BIN: "/bin/true" };
    const options = {
      entry,
      folder,
      targets: `${own}\n${other}\n`,
      environment: { ...environment, ...noNetwork },
      say,
    };
    const code = await build([other], options);
    const file = `${folder}/reagent-${other.replace("/", "-")}`;
    if (code === 0) return assert.equal(platformOf(await Deno.readFile(file)), other);
    assert.deepEqual(await filesIn(folder), ["reagent", "reagent.js"]);
    assert.match(printed[1] ?? "", new RegExp(`^FAILED ${other}: there is no base executable: `));
    assert.match(printed[2] ?? "", /^ok\s+program: .*\/reagent, a launcher that needs an installed runtime$/);
    assert.equal(printed[3], "1 of 2 results are missing");
  },
});

const version = { args: ["-version"], prints: "1.2.3" };

Deno.test({
  name: "an executable for this machine that does not print its version is missing, and a launcher takes its place",
  ignore: Deno.build.os !== "linux",
  async fn() {
    await using place = await makePlace();
    const { folder, printed } = place;
    await Deno.writeTextFile(`${folder}/entry.ts`, "console.log('1.2.3');");
    const targets = ownPlatform();
    // Ends with 0 and prints nothing; ends with 1.
    for (const denortBin of ["/bin/true", "/bin/false"]) {
      const options = { ...place, entry: `${folder}/entry.ts`, targets, environment, trial: version };
      const given = { ...environment, DENORT_BIN: await Deno.realPath(denortBin) };
      assert.equal(await build([], { ...options, environment: given }), 1, printed.join("\n"));
      assert.match(printed.join("\n"), new RegExp(`FAILED ${targets}: it does not start: .*\n`));
      assert.deepEqual(await filesIn(folder), ["entry.ts", "reagent", "reagent.js"]);
      printed.length = 0;
    }
  },
});

const unusable: { name: string; path: (folder: string) => string; reason: string }[] = [
  { name: "a folder", path: (folder) => folder, reason: "is a folder" },
  { name: "a missing file", path: (folder) => `${folder}/denort`, reason: "does not exist" },
  { name: "a file below a file", path: (folder) => `${folder}/entry.ts/denort`, reason: "cannot be read: " },
];

for (const { name, path, reason } of unusable) {
  Deno.test(`DENORT_BIN that names ${name} is refused with the reason`, async () => {
    await using place = await makePlace();
    const { folder, printed } = place;
    await Deno.writeTextFile(`${folder}/entry.ts`, "console.log('1.2.3');");
    const given = { ...environment, DENORT_BIN: path(folder) };
    const options = { ...place, entry: `${folder}/entry.ts`, targets: "linux/arm64", environment: given };
    assert.equal(await build([], options), 1);
    const expected = `FAILED linux/arm64: DENORT_BIN ("${path(folder)}") ${reason}`;
    assert.ok(printed.some((line) => line.startsWith(expected)), printed.join("\n"));
  });
}

Deno.test("two builds of the agent in two folders make the same bundle, without the names of the folders", async () => {
  await using first = await makePlace();
  await using second = await makePlace();
  const texts = [];
  for (const { folder, say } of [first, second]) {
    const project = `${folder}/project`;
    await copySources(project);
    const options = { entry: `${project}/main.ts`, targets: "linux/amd64", environment, say };
    assert.equal(await build(["--bundle-only"], { ...options, folder: `${folder}/out` }), 0);
    texts.push(await Deno.readTextFile(`${folder}/out/reagent.js`));
  }
  assert.equal(texts[0], texts[1]);
  assert.ok(!texts[0]?.includes("reagent-build-"), "the bundle names the folder it was built in");
  assert.ok(!/[^\0-\x7f]/.test(texts[0] ?? ""), "the bundle is not plain ASCII");
});

Deno.test({
  name:
    "the launcher starts the bundle on the runtime of REAGENT_RUNTIME, through a link too, and says when there is none",
  ignore: Deno.build.os === "windows",
  async fn() {
    await using place = await makePlace();
    const { folder, printed } = place;
    await Deno.writeTextFile(`${folder}/entry.ts`, "console.log(JSON.stringify(Deno.args)); Deno.exit(7);");
    const options = { ...place, entry: `${folder}/entry.ts`, targets: "linux/amd64", environment };
    assert.equal(await build(["--bundle-only"], options), 0, printed.join("\n"));
    await Deno.symlink("reagent", `${folder}/a link`);
    for (const name of ["reagent", "reagent.js", "a link"]) {
      const env = { REAGENT_RUNTIME: Deno.execPath(), HOME: folder, PATH: "/usr/bin:/bin" };
      const ended = await runProgram("/usr/bin/env", ["-i", ...entriesOf(env), `${folder}/${name}`, "a b", "-x=$y"]);
      assert.deepEqual([ended.code, ended.stdout.trim()], [7, '["a b","-x=$y"]'], `${name}: ${ended.stderr}`);
    }
    const env = { HOME: folder, PATH: "/usr/bin:/bin" };
    const ended = await runProgram("/usr/bin/env", ["-i", ...entriesOf(env), `${folder}/reagent`]);
    assert.equal(ended.code, 7, "the launcher knows the runtime of the build");
    const alone = await runProgram("/usr/bin/env", ["-i", ...entriesOf(env), `${folder}/reagent.js`]);
    if (await isFile("/usr/local/bin/deno")) return;
    assert.equal(alone.code, 127);
    assert.match(alone.stderr, /^reagent: there is no runtime on this machine; set REAGENT_RUNTIME to a deno exec/);
  },
});

/** Runs the bundle without access to the project's packages and settings. */
async function runAlone(folder: string, args: string[]): Promise<{ success: boolean; text: string }> {
  const flags = ["--quiet", "--no-prompt", "--no-config", "--no-npm", "--no-remote", "--allow-all"];
  const output = await new Deno.Command(Deno.execPath(), {
    args: ["run", ...flags, `${folder}/reagent.js`, folder, ...args],
    cwd: folder,
    env: { NO_COLOR: "1" },
    stdin: "null",
  }).output();
  const decoder = new TextDecoder();
  return { success: output.success, text: decoder.decode(output.stdout) + decoder.decode(output.stderr) };
}

function entriesOf(env: Readonly<Record<string, string>>): string[] {
  return Object.entries(env).map(([name, value]) => `${name}=${value}`);
}

async function isFile(path: string): Promise<boolean> {
  return await Deno.stat(path).then(({ isFile }) => isFile, () => false);
}

function includes(bytes: Uint8Array, part: Uint8Array): boolean {
  const text = (some: Uint8Array) => new TextDecoder("latin1").decode(some);
  return text(bytes).includes(text(part));
}

/** The agent's sources and settings, with the packages as they are here. */
async function copySources(folder: string): Promise<void> {
  await Deno.mkdir(folder);
  for (const name of ["lib", "main.ts", "deno.json", "deno.lock", "package.json", "node_modules"]) {
    await mustRun("cp", ["-a", `${projectRoot}${name}`, `${folder}/`]);
  }
}
