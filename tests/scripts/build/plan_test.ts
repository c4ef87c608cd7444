import assert from "node:assert/strict";
import {
  type BaseExecutable,
  type BuildStep,
  bundleArgs,
  bundleRunArgs,
  compileArgs,
  explainFailure,
  planTargets,
} from "../../../scripts/build/plan.ts";
import { readBuildArguments } from "../../../scripts/build/arguments.ts";
import { readTargets } from "../../../scripts/build/target.ts";

const targets = readTargets("linux/amd64\nlinux/arm64\nwindows/amd64\n");

/** A step as text. */
function brief(step: BuildStep): string {
  if (step.kind === "compile") return `compile ${step.target.name} ${step.base}`;
  return step.kind === "skip" ? `skip ${step.target.name}` : `refuse ${step.name}`;
}

const amd64: BaseExecutable = { path: "/denort", platform: "linux/amd64" };

const plans: { name: string; args: string[]; base?: BaseExecutable; steps: string[] }[] = [
  {
    name: "compiles all targets on downloaded base executables",
    args: [],
    steps: ["compile linux/amd64 downloaded", "compile linux/arm64 downloaded", "compile windows/amd64 downloaded"],
  },
  {
    name: "compiles the given base executable's own target only",
    args: [],
    base: amd64,
    steps: ["compile linux/amd64 given", "skip linux/arm64", "skip windows/amd64"],
  },
  {
    name: "never uses a given base executable for another platform's target",
    args: ["windows/amd64", "linux/amd64"],
    base: amd64,
    steps: ["compile linux/amd64 given", "compile windows/amd64 downloaded"],
  },
  { name: "compiles a named target alone", args: ["linux/arm64"], steps: ["compile linux/arm64 downloaded"] },
  {
    name: "refuses a name that the file does not list",
    args: ["linux/arm", "linux/arm64"],
    steps: ["refuse linux/arm", "compile linux/arm64 downloaded"],
  },
  {
    name: "refuses to build when DENORT_BIN is not an executable",
    args: ["linux/arm64"],
    base: { path: "/denort", platform: undefined },
    steps: ["refuse linux/arm64"],
  },
  {
    name: "refuses to build when the file does not list the base executable's platform",
    args: [],
    base: { path: "/denort", platform: "darwin/arm64" },
    steps: ["refuse linux/amd64", "refuse linux/arm64", "refuse windows/amd64"],
  },
  { name: "compiles nothing when only the bundle is asked for", args: ["--bundle-only"], base: amd64, steps: [] },
];

for (const { name, args, base, steps } of plans) {
  Deno.test(`planTargets() ${name}`, () => {
    const wanted = readBuildArguments(args);
    assert.ok(wanted !== undefined);
    assert.deepEqual(planTargets(targets, { wanted, base }).map(brief), steps);
  });
}

Deno.test("the reasons in a plan name DENORT_BIN, its platform, and the way out", () => {
  const reasons = (base: BaseExecutable) =>
    planTargets(targets, { wanted: { bundleOnly: false, names: [] }, base })
      .map((step) => step.kind === "compile" ? "" : step.because);
  assert.equal(
    reasons(amd64)[1],
    "DENORT_BIN is for linux/amd64; name linux/arm64 to build it on a downloaded base executable",
  );
  assert.equal(
    reasons({ path: "/denort", platform: "darwin/arm64" })[0],
    'DENORT_BIN ("/denort") is for darwin/arm64, which the file targets does not list',
  );
  assert.equal(
    reasons({ path: "/denort", platform: undefined })[0],
    'DENORT_BIN ("/denort") is not an executable of a platform that the agent is built for',
  );
  assert.equal(
    reasons({ path: "/denort", platform: undefined, problem: "does not exist" })[0],
    'DENORT_BIN ("/denort") does not exist',
  );
});

Deno.test("the commands bundle, minify, and allow what the agent does without prompts", () => {
  assert.deepEqual(
    bundleArgs("main.ts", "build/reagent.js").join(" "),
    "bundle --quiet --node-modules-dir=manual --minify --platform deno --output build/reagent.js main.ts",
  );
  assert.deepEqual(
    bundleRunArgs("reagent.js").join(" "),
    "run --quiet --no-check --no-prompt --allow-all --no-config --no-lock --unstable-net " +
      "--v8-flags=--max-semi-space-size=1,--no-concurrent-recompilation,--no-sparkplug,--expose-gc," +
      "--invocation-count-for-maglev=20000,--invocation-count-for-maglev-osr=2000 --no-code-cache reagent.js",
  );
  const target = targets[1];
  assert.ok(target !== undefined);
  assert.deepEqual(
    compileArgs("build/reagent.js", { target, output: "build/x", parts: ["build/frpc-linux-arm64.gz"] }).join(" "),
    "compile --quiet --no-check --no-prompt --allow-all --no-config --no-lock --no-npm --unstable-net " +
      "--v8-flags=--max-semi-space-size=1,--no-concurrent-recompilation,--no-sparkplug,--expose-gc," +
      "--invocation-count-for-maglev=20000,--invocation-count-for-maglev-osr=2000 --no-code-cache " +
      "--include build/frpc-linux-arm64.gz --target aarch64-unknown-linux-gnu --output build/x build/reagent.js",
  );
});

const failures: { name: string; output: string; text: RegExp }[] = [
  {
    name: "a base executable that cannot be downloaded",
    output: `error: Writing deno compile executable to temporary file '/b/x.tmp-1'

Caused by:
    0: Setting up base binary.
    1: error sending request for url (https://host/denort.zip): client error (Connect): tcp connect error
    2: client error (Connect)

Stack backtrace:
   0: <unknown>`,
    text: /^there is no base executable: error sending request for url .*\n\s+Set DENORT_BIN to /,
  },
  {
    name: "a missing base executable",
    output: "error: Writing\n\nCaused by:\n    0: Could not find denort at '/x'\n    1: No such file or directory",
    text: /^there is no base executable: Could not find denort at '\/x'\n\s+Set DENORT_BIN to /,
  },
  {
    name: "anything else in the words of the runtime",
    output: 'error: Could not resolve "nowhere"\n\nStack backtrace:\n   0: <unknown>',
    text: /^error: Could not resolve "nowhere"$/,
  },
  { name: "no output", output: "", text: /^it printed nothing$/ },
];

for (const { name, output, text } of failures) {
  Deno.test(`explainFailure() explains ${name}`, () => assert.match(explainFailure(output), text));
}
