import assert from "node:assert/strict";
import { type ReleaseFacts, releaseProblems } from "../../../scripts/release/checks.ts";

const good: ReleaseFacts = {
  version: "0.22.0",
  channels: '{"production":"0.22.0","all":"0.22.0"}',
  status: "",
  branch: "main",
  tags: ["v0.21.0"],
};

const table: { name: string; facts: Partial<ReleaseFacts>; problem: RegExp }[] = [
  { name: "a changed file", facts: { status: " M main.ts\n" }, problem: /not clean:\s+M main\.ts/ },
  { name: "a new file", facts: { status: "?? x.ts\n" }, problem: /not clean/ },
  {
    name: "another form of version",
    facts: { version: "v1", channels: '{"all":"v1"}' },
    problem: /MAJOR\.MINOR\.PATCH/,
  },
  {
    name: "a channel with another version",
    facts: { channels: '{"all":"0.21.0"}' },
    problem: /has "0\.21\.0" for "all"/,
  },
  { name: "a broken file of channels", facts: { channels: "<html>" }, problem: /not an object/ },
  { name: "no branch", facts: { branch: "" }, problem: /on no branch/ },
  { name: "a tag that is there", facts: { tags: ["v0.22.0"] }, problem: /tag v0\.22\.0 already/ },
];

Deno.test("releaseProblems() finds nothing in a clean tree with a new version", () => {
  assert.deepEqual(releaseProblems(good), []);
});

for (const { name, facts, problem } of table) {
  Deno.test(`releaseProblems() refuses ${name}`, () => {
    const problems = releaseProblems({ ...good, ...facts });
    assert.equal(problems.length, 1, problems.join("\n"));
    assert.match(problems[0] ?? "", problem);
  });
}
