import assert from "node:assert/strict";
import { callerOf, framesOf, placeText } from "../../../lib/log/caller.ts";

function lineOf(error: Error): number {
  return Number(/caller_test\.ts:(\d+)/.exec(error.stack ?? "")?.[1]);
}

function log(): ReturnType<typeof callerOf> {
  return callWithin();
}

function callWithin(): ReturnType<typeof callerOf> {
  return callerOf(log);
}

Deno.test("callerOf() returns file and line of the code that called the method", () => {
  const [caller, here] = [log(), new Error("here")];
  assert.equal(caller?.file, "caller_test.ts");
  assert.equal(caller?.line, lineOf(here));
});

Deno.test("callerOf() finds the caller after an await and in a callback", async () => {
  await Promise.resolve();
  const [caller, here] = [log(), new Error("here")];
  assert.equal(caller?.line, lineOf(here));
  const called = await Promise.resolve().then(() => log());
  assert.equal(called?.file, "caller_test.ts");
});

Deno.test("callerOf() returns undefined when the method is called from outside our code", async () => {
  const caller = await new Promise<unknown>((resolve) => {
    const method = () => resolve(callerOf(method));
    queueMicrotask(method);
  });
  assert.equal(caller, undefined);
});

Deno.test("callerOf() restores the depth of stacks", () => {
  const before = Error.stackTraceLimit;
  log();
  assert.equal(Error.stackTraceLimit, before);
});

Deno.test("placeText() includes the column in a minified bundle", () => {
  assert.equal(placeText({ file: "link.ts", line: 120, column: 9 }), "link.ts:120");
  assert.equal(placeText({ file: "reagent.js", line: 47, column: 15_023 }), "reagent.js:47:15023");
});

Deno.test("framesOf() calls a launcher by the name of the bundle that it is", () => {
  const frames = framesOf("Error: x\n    at run (file:///opt/reagent/reagent-v0.21.0:47:15023)");
  assert.deepEqual(frames, [{ func: "run", line: "47:15023", source: "reagent.js" }]);
});

const stacks: { name: string; stack: string; frames: [string, string, string][] }[] = [
  { name: "no stack", stack: "", frames: [] },
  { name: "a message alone", stack: "Error: at home", frames: [] },
  {
    name: "functions, methods and callbacks",
    stack: "TypeError: x\n    at run (file:///a/lib/steps.ts:12:5)\n    at Link.#open (file:///a/link.ts:3:1)\n" +
      "    at async Object.start (file:///a/agent.ts:40:9)\n    at file:///a/main.ts:1:1",
    frames: [["run", "12", "steps.ts"], ["Link.#open", "3", "link.ts"], ["Object.start", "40", "agent.ts"], [
      "<anonymous>",
      "1",
      "main.ts",
    ]],
  },
  {
    name: "frames without a place",
    stack:
      "Error\n    at new Promise (<anonymous>)\n    at async Promise.all (index 0)\n    at read (ext:deno_fs/30_fs.js:7:3)",
    frames: [["read", "7:3", "30_fs.js"]],
  },
  {
    name: "Windows paths",
    stack: "Error: x\n    at run (file:///C:/Program%20Files/a/steps.ts:12:5)\n    at go (C:\\a b\\node.js:3:4)",
    frames: [["run", "12", "steps.ts"], ["go", "3:4", "node.js"]],
  },
  {
    name: "a message that looks like a stack",
    stack: "Error: x\n    at fake (fake.ts:1:1)\nreally\n    at run (file:///a/steps.ts:12:5)",
    frames: [["run", "12", "steps.ts"]],
  },
];

for (const { name, stack, frames } of stacks) {
  Deno.test(`framesOf() reads ${name}`, () => {
    assert.deepEqual(framesOf(stack), frames.map(([func, line, source]) => ({ func, line, source })));
  });
}
