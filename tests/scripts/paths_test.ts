// box engine
/** The tasks of the project in a clone whose path has a space and a letter beyond ASCII. */

import assert from "node:assert/strict";
import { projectRoot } from "../../scripts/paths.ts";
import { type Ended, mustRun, runProgram } from "../../scripts/programs.ts";

/** What a cost that exceeds its limit looks like; costs are for the gate, which runs alone. */
const costFault = /^\S.* takes [\d.]+ (ms of a processor|MiB), more than [\d.]+$/;

/** A copy of the project in an odd folder, removed at the end. */
class Clone implements AsyncDisposable {
  readonly #parent: string;
  readonly folder: string;

  private constructor(parent: string) {
    this.#parent = parent;
    this.folder = `${parent}/re agent ü`;
  }

  static async create(): Promise<Clone> {
    const clone = new Clone(await Deno.makeTempDir({ prefix: "clone-" }));
    await Deno.mkdir(clone.folder);
    const script =
      'git ls-files -z --cached --others --exclude-standard | xargs -0 cp --parents --target-directory "$1"';
    await mustRun("sh", ["-c", script, "sh", clone.folder], { cwd: projectRoot });
    await clone.must("install", "--quiet", "--frozen");
    return clone;
  }

  /** Runs a command of the runtime in the clone. */
  async run(...args: string[]): Promise<Ended> {
    return await runProgram(Deno.execPath(), args, { cwd: this.folder, env: { NO_COLOR: "1" } });
  }

  /** Like `run()`, but fails when the command does. */
  async must(...args: string[]): Promise<string> {
    const { success, stdout, stderr } = await this.run(...args);
    assert.ok(success, `${args.join(" ")}:\n${stdout}${stderr}`);
    return stdout;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.#parent, { recursive: true });
  }
}

Deno.test("the tasks work in a folder with a space and an umlaut in its name", async (test) => {
  await using clone = await Clone.create();
  await test.step("the agent starts", async () => {
    assert.match(await clone.must("task", "dev", "-version"), /^\d+\.\d+\.\d+\n$/);
  });
  await test.step("build makes the bundle", async () => {
    const text = await clone.must("task", "build", "--bundle-only");
    assert.ok(text.includes(`bundle: ${clone.folder}/build/reagent.js, `), text);
  });
  await test.step("docs finds the pages", async () => void await clone.must("task", "docs", "--check"));
  await test.step("footprint finds every component", async () => {
    const { success, stdout, stderr } = await clone.run("task", "footprint", "--check");
    assert.ok(success || stdout !== "", stderr);
    const lines = stdout.split("\n").filter((line) => line !== "" && !line.startsWith("The limits are in "));
    assert.deepEqual(lines.filter((line) => !costFault.test(line)), [], stdout + stderr);
  });
  await test.step("test runs a unit test", async () => {
    const text = await clone.must("task", "test", "--unit", "lib/base/quote");
    assert.match(text, /^[1-9]\d* passed, 0 failed$/m);
  });
  await test.step("ok reads the sources, and the linter its plugin", async () => {
    assert.match(await clone.must("task", "ok", "--only", "layers"), /^ok {5}layers /m);
    await clone.must("lint", "--quiet", "scripts/paths.ts");
  });
  await test.step("without a home, the real parts belong in the clone", async () => {
    const module = JSON.stringify("./scripts/testbed/setup/folder.ts");
    const code = `import { partsFolder } from ${module}; console.log(partsFolder({ get: () => undefined }).root);`;
    await Deno.writeTextFile(`${clone.folder}/where.ts`, code);
    assert.equal(await clone.must("run", "-P=tools", "where.ts"), `${clone.folder}/.parts\n`);
  });
});
