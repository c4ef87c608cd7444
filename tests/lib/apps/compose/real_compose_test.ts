// box engine registry
/** The files that are written for compose, read by the real one. */

import assert from "node:assert/strict";
import { envFileText } from "../../../../lib/apps/compose/env_file.ts";
import { definitionText, rewriteDefinition } from "../../../../lib/apps/compose/rewrite.ts";
import type { Variable } from "../../../../lib/apps/container/variable.ts";
import { isDict, parseJson } from "../../../../lib/base/json.ts";
import { mustRunCommand, runCommand } from "../../../../lib/host/command.ts";
import { busyboxImage, Dockerd } from "../../../../scripts/testbed/dockerd.ts";
import { goldenOptions, readGoldens } from "./goldens.ts";

/** What the real compose refuses, and rightly so. */
const refused = ["other protocols and nonsense stay", "unknown shapes are left alone"];

const limits = { signal: new AbortController().signal, timeoutMs: 120_000 };

Deno.test("the real compose accepts every rewritten definition that it accepts as it was written", async () => {
  const folder = await Deno.makeTempDir({ prefix: "reagent-compose-" });
  try {
    for (const name of [".env", "a.env", "b.env", "common.env", "default.env"]) {
      await Deno.writeTextFile(`${folder}/${name}`, "");
    }
    await Deno.writeTextFile(`${folder}/.env-compose`, envFileText([{ name: "TAG", value: "1" }]));
    const outcomes = await Promise.all(
      readGoldens().map(async ({ name, rules, given }, index) => {
        const made = definitionText(rewriteDefinition(given, goldenOptions(given, rules)));
        const before = await isAccepted(`${folder}/${index}-before.json`, definitionText({ name: "p", ...given }));
        return { name, before, after: await isAccepted(`${folder}/${index}-after.json`, made) };
      }),
    );
    assert.deepEqual(outcomes.filter(({ before, after }) => before === "" && after !== ""), []);
    assert.deepEqual(outcomes.filter(({ after }) => after !== "").map(({ name }) => name), refused);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("1,000 random values reach the services of a real compose project as they are", async () => {
  const folder = await Deno.makeTempDir({ prefix: "reagent-compose-" });
  await using engine = await Dockerd.start();
  try {
    const variables = randomVariables(1_000);
    const seed = variables[0]?.value;
    await Deno.writeTextFile(`${folder}/.env-compose`, envFileText(variables));
    const service = { image: busyboxImage, env_file: [".env-compose"], command: ["cat", "/proc/self/environ"] };
    await Deno.writeTextFile(`${folder}/c.json`, JSON.stringify({ name: "values", services: { a: service } }));
    const compose = async (...args: string[]) => {
      const end = await mustRunCommand("docker", [
        ...["-H", engine.host, "compose", "-f", `${folder}/c.json`, "--env-file", `${folder}/.env-compose`],
        ...args,
      ], limits);
      return end.stdout;
    };
    const config = parseJson(await compose("config", "--format", "json"));
    const environment = isDict(config) && isDict(config["services"]) && isDict(config["services"]["a"])
      ? config["services"]["a"]["environment"]
      : undefined;
    assert.ok(isDict(environment));
    const read = new Map(Object.entries(environment).map(([name, value]) => [name, `${value}`.replaceAll("$$", "$")]));
    for (const { name, value } of variables) assert.equal(read.get(name), value, `seed ${seed}`);

    const output = await compose("run", "--rm", "-T", "a");
    const seen = new Set(output.split("\0"));
    for (const { name, value } of variables) assert.ok(seen.has(`${name}=${value}`), `seed ${seed}: ${name}`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

/** Its complaint; empty when it accepts the definition. */
async function isAccepted(file: string, text: string): Promise<string> {
  await Deno.writeTextFile(file, text);
  const envFile = `${file.slice(0, file.lastIndexOf("/"))}/.env-compose`;
  const end = await runCommand("docker", ["compose", "-f", file, "--env-file", envFile, "config", "-q"], limits);
  return end.code === 0 ? "" : end.stderr.replaceAll(file, "FILE").trim();
}

const pieces = [
  ..."aB1'\"$#=:;`!%&|<>()[]{}~^*?,/@".split(""),
  ...[
    "\\",
    "\\\\",
    "\\n",
    "\\t",
    "\\0",
    "\\044",
    "\\$",
    "\\'",
    '\\"',
    "$$",
    "$A",
    "${A}",
    "${A:-x}",
    "${A?err}",
    "$(x)",
  ],
  ...[
    " ",
    "  ",
    " #",
    "\t",
    "\n",
    "\r",
    "\r\n",
    "\u00a0",
    "\u2028",
    "\ufeff",
    "\u0001",
    "\u007f",
    "é",
    "😀",
    "export A=1",
  ],
];

/** The first one names the seed. */
function randomVariables(count: number): Variable[] {
  const seed = Math.floor(Math.random() * 1e9);
  let state = seed;
  const next = (limit: number) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fff_ffff;
    return (state >> 8) % limit;
  };
  const random = Array.from({ length: count }, (_, index) => {
    const value = Array.from({ length: next(12) }, () => pieces[next(pieces.length)] ?? "").join("");
    return { name: `V${index}`, value };
  });
  const fixed = ["x".repeat(20_000), "\\\"$'#\n".repeat(3_300), ...pieces].map((value, index) => ({
    name: `F${index}`,
    value,
  }));
  return [
    { name: "SEED", value: `${seed}` },
    ...fixed,
    { name: "A", value: "x" },
    { name: "é.b-c[0]", value: "y" },
    ...random,
  ];
}
