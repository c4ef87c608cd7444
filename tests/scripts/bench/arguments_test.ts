import assert from "node:assert/strict";
import { type BenchOptions, readBenchOptions, type Run, runsOf } from "../../../scripts/bench/arguments.ts";
import { groupNames, longGroups } from "../../../scripts/bench/row.ts";

const regular = groupNames.filter((group) => !longGroups.includes(group));
const plain: BenchOptions = { groups: regular, program: undefined, router: undefined, starts: 3, isPlotOnly: false };

Deno.test("readBenchOptions() reads the options and fills in the defaults", () => {
  const cases: [args: string[], expected: BenchOptions][] = [
    [[], plain],
    [["--router", "crossbar"], { ...plain, router: "crossbar" }],
    [["--router", "embedded"], { ...plain, router: "embedded" }],
    [["--program", "bundle"], { ...plain, program: "bundle" }],
    [["--only", "stop"], { ...plain, groups: ["stop"] }],
    [["--only", "stop,start", "--starts", "1"], { ...plain, groups: ["start", "stop"], starts: 1 }],
    [["--only", "day,fleet"], { ...plain, groups: ["fleet", "day"] }],
    [["--plot"], { ...plain, isPlotOnly: true }],
  ];
  for (const [args, expected] of cases) assert.deepEqual(readBenchOptions(args), expected, args.join(" "));
});

Deno.test("readBenchOptions() refuses unknown options and values", () => {
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
  for (const args of cases) assert.equal(readBenchOptions(args), undefined, args.join(" "));
});

Deno.test("runsOf() measures the sources where they have targets, and calls on both routers", () => {
  const runs = runsOf(plain);
  assert.deepEqual([...new Set(runs.map(({ group }) => group))], [...regular]);
  assert.deepEqual(longGroups, ["absence", "day", "transitions", "log_query"]);
  const of = (wanted: string) => runs.filter(({ group }) => group === wanted);
  assert.deepEqual(of("memory").map(({ program }) => program), ["source", "bundle"]);
  assert.deepEqual(of("install"), [{ group: "install", program: "bundle", router: "embedded" }]);
  assert.deepEqual(of("calls").map(({ router }) => router), ["embedded", "crossbar"]);
});

Deno.test("runsOf() uses the given program and router", () => {
  const expected: Run[] = [{ group: "calls", program: "source", router: "crossbar" }];
  assert.deepEqual(runsOf({ ...plain, groups: ["calls"], program: "source", router: "crossbar" }), expected);
});

Deno.test("runsOf() always uses the same program and router for a fleet and for a day", () => {
  const expected: Run[] = [
    { group: "fleet", program: "source", router: "crossbar" },
    { group: "absence", program: "source", router: "crossbar" },
    { group: "day", program: "source", router: "embedded" },
  ];
  const groups = ["fleet", "absence", "day"] as const;
  assert.deepEqual(runsOf({ ...plain, groups }), expected);
  assert.deepEqual(runsOf({ ...plain, groups, program: "bundle", router: "embedded" }), expected);
});
