import assert from "node:assert/strict";
import { pathOf, projectRoot } from "../scripts/paths.ts";

const script = pathOf("../.ci/run", import.meta.url);

/** What a task of the project prints, and its exit code. */
interface Task {
  lines: string[];
  code: number;
}

/** Runs the script with a fake npx, which records its calls and the size of its input. */
async function runCi(tasks: { test: Task; ok: Task }): Promise<{ code: number; lines: string[]; calls: string[] }> {
  const folder = await Deno.makeTempDir({ prefix: "reagent-ci-" });
  try {
    const branches = Object.entries(tasks).map(([name, { lines, code }]) => {
      const prints = lines.map((line) => `echo '${line}'`).join("; ") || "true";
      return `  ${name}) ${prints}; exit ${code} ;;`;
    });
    const program = ["#!/bin/bash", `echo "$* in $PWD, $(wc -c) bytes" >> '${folder}/calls'`, `case "$4" in`];
    await Deno.writeTextFile(`${folder}/npx`, [...program, ...branches, "esac", ""].join("\n"), { mode: 0o755 });
    const child = new Deno.Command(script, {
      cwd: folder,
      env: { PATH: `${folder}:${Deno.env.get("PATH")}`, TMPDIR: folder },
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    // A program that reads this input would wait for ever while it is open.
    const input = child.stdin.getWriter();
    // The script must not pass it on, and may exit before it is written.
    await input.write(new TextEncoder().encode("input")).then(() => input.close()).catch(() => {});
    const output = await child.output();
    const left = await Array.fromAsync(Deno.readDir(folder), ({ name }) => name);
    assert.deepEqual(left.sort(), ["calls", "npx"]);
    const lines = new TextDecoder().decode(output.stdout).trimEnd().split("\n");
    return { code: output.code, lines, calls: (await Deno.readTextFile(`${folder}/calls`)).trimEnd().split("\n") };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const table: { name: string; test: Task; ok: Task; code: number; last: string }[] = [
  {
    name: "both pass",
    test: { lines: ["ok     unit", "12 passed, 0 failed"], code: 0 },
    ok: { lines: ["The gate is open."], code: 0 },
    code: 0,
    last: "12 passed, 0 failed",
  },
  {
    name: "both pass, with skipped tests and output of npx after the count",
    test: { lines: ["12 passed, 0 failed, 3 skipped", "npm notice"], code: 0 },
    ok: { lines: [], code: 0 },
    code: 0,
    last: "12 passed, 0 failed, 3 skipped",
  },
  {
    name: "failed tests",
    test: { lines: ["10 passed, 2 failed, 1 skipped"], code: 1 },
    ok: { lines: [], code: 0 },
    code: 1,
    last: "10 passed, 2 failed, 1 skipped",
  },
  {
    name: "a failed gate",
    test: { lines: ["12 passed, 0 failed, 1 skipped"], code: 0 },
    ok: { lines: ["1 of 7 checks failed."], code: 1 },
    code: 1,
    last: "12 passed, 1 failed, 1 skipped",
  },
  {
    name: "failed tests and a failed gate",
    test: { lines: ["10 passed, 2 failed"], code: 1 },
    ok: { lines: ["5 passed, 0 failed"], code: 1 },
    code: 1,
    last: "10 passed, 2 failed",
  },
  {
    name: "a test run without a count",
    test: { lines: ["setup: no network", "ok: 3 passed, 0 failed (1 s)"], code: 1 },
    ok: { lines: [], code: 0 },
    code: 1,
    last: "0 passed, 1 failed",
  },
  {
    name: "a test run without a count that exits with 0",
    test: { lines: [], code: 0 },
    ok: { lines: [], code: 0 },
    code: 1,
    last: "0 passed, 1 failed",
  },
  {
    name: "a test run that is killed after a count without failures",
    test: { lines: ["12 passed, 0 failed"], code: 137 },
    ok: { lines: [], code: 0 },
    code: 1,
    last: "12 passed, 1 failed",
  },
  {
    name: "a count with failures and exit code 0",
    test: { lines: ["1 passed, 1 failed"], code: 0 },
    ok: { lines: [], code: 0 },
    code: 1,
    last: "1 passed, 1 failed",
  },
  {
    name: "two counts: the last one counts",
    test: { lines: ["1 passed, 1 failed", "12 passed, 0 failed"], code: 0 },
    ok: { lines: ["7 passed, 7 failed"], code: 0 },
    code: 0,
    last: "12 passed, 0 failed",
  },
];

for (const { name, test, ok, code, last } of table) {
  Deno.test({
    name: `.ci/run ends with "${last}" and code ${code}: ${name}`,
    ignore: Deno.build.os === "windows",
    async fn() {
      const run = await runCi({ test, ok });
      assert.deepEqual([run.code, run.lines.at(-1)], [code, last]);
      const where = `in ${projectRoot.replace(/\/$/, "")}, 0 bytes`;
      assert.deepEqual(run.calls, [`--yes deno@2.9.6 task test ${where}`, `--yes deno@2.9.6 task ok ${where}`]);
      for (const line of [...test.lines, ...ok.lines]) assert.ok(run.lines.includes(line), line);
      assert.ok(run.lines.includes("ci: npx --yes deno@2.9.6 task test"));
    },
  });
}
