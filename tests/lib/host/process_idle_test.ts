import assert from "node:assert/strict";
import { readIdleMark } from "../../../lib/host/process_idle.ts";
import { runProgram } from "../../../scripts/programs.ts";

/** The files of processes as Linux shows them, by path below `/proc`. */
type Files = Record<string, string>;

const one: Files = {
  "7/cgroup": "0::/docker/c0ffee\n",
  "7/task/7/stat": "7 (docker) init) S 1 7",
  "7/task/7/schedstat": "100 20 3\n",
  "7/task/7/children": "8 \n",
  "8/task/8/stat": "8 (shop) S 7 7",
  "8/task/8/schedstat": "500 60 7\n",
  "8/task/8/children": "\n",
  "8/task/9/stat": "9 (worker) S 7 7",
  "8/task/9/schedstat": "800 90 10\n",
  "8/task/9/children": "\n",
};

async function read(change: Files, container = { containerId: "c0ffee", pid: 7 }): Promise<string | undefined> {
  const folder = await Deno.makeTempDir();
  try {
    for (const [path, text] of Object.entries({ ...one, ...change })) {
      await Deno.mkdir(`${folder}/${path.replace(/\/[^/]*$/, "")}`, { recursive: true });
      if (text !== "") await Deno.writeTextFile(`${folder}/${path}`, text);
    }
    return readIdleMark(container, folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("readIdleMark() covers all threads of all processes", async () => {
  const mark = await read({});
  assert.equal(mark, "7 100 20 3\n8 500 60 7\n9 800 90 10");
  assert.notEqual(await read({ "8/task/9/schedstat": "800 90 11\n" }), mark);
  assert.equal(await read({ "7/task/7/children": "\n" }), "7 100 20 3");
});

Deno.test("readIdleMark() is undefined when a thread runs, waits for a disk, is stopped or is dead", async () => {
  for (const state of ["R", "D", "Z", "T"]) {
    assert.equal(await read({ "8/task/9/stat": `9 (worker S ) ${state} 7 7` }), undefined, state);
  }
});

Deno.test("readIdleMark() is undefined for what it cannot see", async () => {
  assert.equal(await read({}, { containerId: "c0ffee", pid: 0 }), undefined);
  assert.equal(await read({}, { containerId: "c0ffee", pid: 70 }), undefined);
  assert.equal(await read({}, { containerId: "another", pid: 7 }), undefined);
  assert.equal(await read({ "8/task/9/schedstat": "" }), undefined);
  const many = Object.fromEntries(
    Array.from({ length: 100 }, (_, index) => [
      [`8/task/${index + 100}/stat`, "1 (w) S 1"],
      [`8/task/${index + 100}/schedstat`, "1 1 1"],
      [`8/task/${index + 100}/children`, "\n"],
    ]).flat(),
  );
  assert.equal(await read(many), undefined);
});

/**
 * Looks at a process twice with 50 ms in between, up to `tries` times until it is idle. The runtime shows other
 * processes only to programs with all permissions, which tests do not have.
 */
async function lookTwice(pid: number, tries: number): Promise<(string | null)[]> {
  const code = `
    import { readIdleMark } from "${new URL("../../../lib/host/process_idle.ts", import.meta.url)}";
    const look = () => readIdleMark({ containerId: "/", pid: ${pid} }) ?? null;
    let looks = [];
    for (let count = 0; count < ${tries}; count += 1) {
      looks = [look()];
      await new Promise((resolve) => setTimeout(resolve, 50));
      looks.push(look());
      if (looks[0] !== null && looks[0] === looks[1]) break;
    }
    console.log(JSON.stringify(looks));`;
  const { stdout } = await runProgram(Deno.execPath(), ["eval", code]);
  return JSON.parse(stdout);
}

Deno.test("readIdleMark() sees that a real program sleeps and that another one runs", {
  ignore: Deno.build.os !== "linux",
}, async () => {
  await using stack = new AsyncDisposableStack();
  const looksAt = async (script: string, tries: number) => {
    const child = new Deno.Command("sh", { args: ["-c", script], stdin: "piped" }).spawn();
    stack.defer(async () => {
      child.kill("SIGKILL");
      await child.stdin.close();
      await child.status;
    });
    return await lookTwice(child.pid, tries);
  };
  const [before, after] = await looksAt("cat; exit", 200);
  assert.match(before ?? "", /^\d+ \d+ \d+ \d+\n\d+ \d+ \d+ \d+$/);
  assert.equal(after, before);
  assert.deepEqual(await looksAt("while :; do :; done", 3), [null, null]);
});
