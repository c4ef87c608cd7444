import assert from "node:assert/strict";
import { type BenchWish, readBenchWish, type Run, runsOf } from "../../../scripts/bench/arguments.ts";
import { groupNames, longGroups } from "../../../scripts/bench/row.ts";

const usual = groupNames.filter((group) => !longGroups.includes(group));
const plain: BenchWish = { groups: usual, program: undefined, router: undefined, starts: 3, isPlotOnly: false };

Deno.test("readBenchWish() reads what is asked for, and takes the rest from the defaults", () => {
  const cases: [args: string[], expected: BenchWish][] = [
    [[], plain],
    [["--router", "crossbar"], { ...plain, router: "crossbar" }],
    [["--router", "embedded"], { ...plain, router: "embedded" }],
    [["--program", "bundle"], { ...plain, program: "bundle" }],
    [["--only", "stop"], { ...plain, groups: ["stop"] }],
    [["--only", "stop,start", "--starts", "1"], { ...plain, groups: ["start", "stop"], starts: 1 }],
    [["--only", "day,fleet"], { ...plain, groups: ["fleet", "day"] }],
    [["--plot"], { ...plain, isPlotOnly: true }],
  ];
  for (const [args, expected] of cases) assert.deepEqual(readBenchWish(args), expected, args.join(" "));
});

Deno.test("readBenchWish() refuses what it does not know", () => {
  const cases = [
    ["--router"],
    ["--router", "other"],
    ["--program", "main.ts"],
    ["--starts", "0"],
    ["--starts", "1.5"],
    ["--only", ""],
    ["--only", "stop,stops"],
    ["--only", "stop,stop"],
    ["--plot", "yes"],
    ["--help"],
    ["bundle"],
  ];
  for (const args of cases) assert.equal(readBenchWish(args), undefined, args.join(" "));
});

Deno.test("runsOf() measures the sources where bars name them, and calls on both routers", () => {
  const runs = runsOf(plain);
  assert.deepEqual([...new Set(runs.map(({ group }) => group))], [...usual]);
  assert.deepEqual(longGroups, ["absence", "day", "transitions"]);
  const of = (wanted: string) => runs.filter(({ group }) => group === wanted);
  assert.deepEqual(of("memory").map(({ program }) => program), ["source", "bundle"]);
  assert.deepEqual(of("install"), [{ group: "install", program: "bundle", router: "embedded" }]);
  assert.deepEqual(of("calls").map(({ router }) => router), ["embedded", "crossbar"]);
});

Deno.test("runsOf() takes the program and the router that are named", () => {
  const expected: Run[] = [{ group: "calls", program: "source", router: "crossbar" }];
  assert.deepEqual(runsOf({ ...plain, groups: ["calls"], program: "source", router: "crossbar" }), expected);
});

Deno.test("runsOf() knows the one program and router of a fleet and of a day, whatever was asked for", () => {
  const expected: Run[] = [
    { group: "fleet", program: "source", router: "crossbar" },
    { group: "absence", program: "source", router: "crossbar" },
    { group: "day", program: "source", router: "embedded" },
  ];
  const groups = ["fleet", "absence", "day"] as const;
  assert.deepEqual(runsOf({ ...plain, groups }), expected);
  assert.deepEqual(runsOf({ ...plain, groups, program: "bundle", router: "embedded" }), expected);
});
