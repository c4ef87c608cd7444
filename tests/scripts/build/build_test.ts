import assert from "node:assert/strict";
import { platformOf } from "../../../scripts/build/base_executable.ts";
import { build } from "../../../scripts/build.ts";
import { startRouter } from "../../lib/wamp/open_session.ts";
import { pathOf } from "../../../scripts/paths.ts";

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
  assert.deepEqual(await filesIn(folder), ["reagent.js"]);
  assert.match(printed.join("\n"), /^ok\s+bundle: .*\/reagent\.js, \d{6} bytes, \d{5,6} with gzip$/);

  await using router = await startRouter();
  const { success, text } = await runAlone(folder, ["1", router.url]);
  assert.ok(success, text);
  const seen = JSON.parse(text);
  assert.equal(seen.database, "has tables");
  assert.equal(seen.nobody, "Cannot connect: Cannot connect to 127.0.0.1:1: connect ECONNREFUSED 127.0.0.1:1");
  assert.equal(seen.router, "answered hello");
  assert.match(seen.engine, /^engine_unreachable: Listing containers failed, .* ENOENT .*engine\.sock/);
});

Deno.test("a bundle that does not run is missing", async () => {
  await using place = await makePlace();
  const { folder, printed } = place;
  await Deno.writeTextFile(`${folder}/entry.ts`, `if (Deno.args[0] !== "well") throw new Error("no such file");`);
  const options = { ...place, entry: `${folder}/entry.ts`, targets: "linux/amd64", environment };
  assert.equal(await build(["--bundle-only"], { ...options, trial: ["badly"] }), 1);
  assert.match(
    printed.join("\n"),
    /^ok\s+bundle: .*\nFAILED bundle: it does not run: [^]*no such file[^]*\n1 of 1 results are missing$/,
  );
  assert.equal(await build(["--bundle-only"], { ...options, trial: ["well"] }), 0);
});

Deno.test("a bundle that cannot be made is missing, and so are results of an earlier build", async () => {
  await using place = await makePlace();
  const { folder, printed } = place;
  await Deno.writeTextFile(`${folder}/broken.ts`, `import "./nowhere.ts";`);
  for (const name of ["reagent.js", "reagent-linux-amd64", "reagent-linux-arm64"]) {
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
  assert.deepEqual([printed, await filesIn(folder)], [["Usage: deno task build [--bundle-only | os/arch …]"], []]);
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
    assert.deepEqual(await filesIn(folder), [`reagent-linux-${own}`, "reagent.js"]);
    assert.match(printed[2] ?? "", new RegExp(`^-\\s+linux/${other}: skipped, DENORT_BIN is for linux/${own}`));

    const bytes = await Deno.readFile(`${folder}/reagent-linux-${own}`);
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
    assert.deepEqual(await filesIn(folder), ["reagent.js"]);
    assert.match(printed[1] ?? "", new RegExp(`^FAILED ${other}: there is no base executable: `));
    assert.equal(printed[2], "1 of 2 results are missing");
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
