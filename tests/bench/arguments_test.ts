import assert from "node:assert/strict";
import { type BenchWish, readBenchWish } from "../../scripts/bench/arguments.ts";

const plain: BenchWish = { router: "embedded", programs: ["source", "bundle"], starts: 3, settleSeconds: 20 };

Deno.test("readBenchWish() reads what is asked for, and takes the rest from the defaults", () => {
  const cases: [args: string[], expected: BenchWish][] = [
    [[], plain],
    [["--router", "crossbar"], { ...plain, router: "crossbar" }],
    [["--router", "embedded"], plain],
    [["--program", "bundle"], { ...plain, programs: ["bundle"] }],
    [["--starts", "1", "--settle", "5"], { ...plain, starts: 1, settleSeconds: 5 }],
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
    [
      "--settle",
      "-1",
    ],
    ["--help"],
    ["bundle"],
  ];
  for (const args of cases) assert.equal(readBenchWish(args), undefined, args.join(" "));
});
