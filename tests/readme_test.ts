/** Tests of README and the other documents: what they name exists, and what they list is what the code says. */

import assert from "node:assert/strict";
import { readFlock } from "../lib/config/flock.ts";
import { type FlagRow, flagTable } from "../lib/flags.ts";
import { procedures } from "../lib/handlers/procedures.ts";
import { usageText } from "../scripts/studio/command_line/run_command.ts";
import { projectRoot } from "../scripts/paths.ts";

const readme = await Deno.readTextFile(`${projectRoot}README.md`);

interface Document {
  path: string;
  text: string;
}

const documents: Document[] = [{ path: "README.md", text: readme }];
documents.push({ path: "CONTRIBUTING.md", text: await Deno.readTextFile(`${projectRoot}CONTRIBUTING.md`) });
for await (const { name } of Deno.readDir(`${projectRoot}docs`)) {
  if (/\.(md|svg)$/.test(name)) {
    documents.push({ path: `docs/${name}`, text: await Deno.readTextFile(`${projectRoot}docs/${name}`) });
  }
}

Deno.test("README's flags are those of the command line on Linux", () => {
  const rows = flagTable({ os: "linux", homeDir: undefined });
  const expected = rows.map((row) => [`\`-${row.name}\``, row.kind, defaultText(row), row.description]);
  assert.deepEqual(rowsOf(section("Flags")).filter(([name]) => name?.startsWith("`-")), expected);
});

Deno.test("README's fields of a .flock file are those that the agent knows, in their order", () => {
  const optional = ["environment", "insecure-registries", "appliance_domain", "update_url"];
  const read = readFlock(JSON.stringify(Object.fromEntries(optional.map((name) => [name, "x"]))));
  assert.ok(read.kind === "read");
  const known = Object.keys(JSON.parse(read.flock.text));
  const rows = rowsOf(section("The .flock file")).filter(([name]) => name?.startsWith("`"));
  assert.deepEqual(rows.map(([name]) => name), known.map((name) => `\`${name}\``));
  const needed = rows.filter((row) => row[2] === "yes").map(([name]) => name?.replaceAll("`", ""));
  assert.deepEqual(needed, known.filter((name) => read.flock.missing.includes(name)));
});

Deno.test("README's smallest .flock file lacks nothing that the agent needs", () => {
  const [, text = ""] = /```json\n([\s\S]*?)```/.exec(section("The .flock file")) ?? [];
  const read = readFlock(text);
  assert.ok(read.kind === "read");
  assert.deepEqual({ missing: read.flock.missing, wrong: read.flock.wrongTypes }, { missing: [], wrong: [] });
});

Deno.test("README lists exactly the procedures that are not available yet", () => {
  const list = section("Not available yet").split("\nAlso missing")[0] ?? "";
  const listed = [...list.matchAll(/`([a-z0-9_]+)`/g)].map(([, name]) => name ?? "");
  const expected = procedures.filter((row) => !row.isAvailable).map((row) => row.name);
  assert.deepEqual(listed.toSorted(), expected.toSorted());
});

Deno.test("README's tree names files and folders that exist", async () => {
  const [, tree = ""] = /```text\n([\s\S]*?)```/.exec(section("The parts")) ?? [];
  const paths = [...tree.matchAll(/(?:^|\s)((?:[\w.]+\/)+[\w.]*|[\w]+\.ts)/gm)].map(([, path = ""]) => path);
  assert.ok(paths.length > 15, "the tree is too short to be the tree");
  for (const path of paths) await assertExists(`${projectRoot}${path}`, `README's tree names ${path}`);
});

Deno.test("the tasks that README and CONTRIBUTING name are in deno.json", async () => {
  const { tasks } = JSON.parse(await Deno.readTextFile(`${projectRoot}deno.json`));
  const text = documents.filter(({ path }) => !path.startsWith("docs/")).map((document) => document.text).join("\n");
  const named = [...text.matchAll(/deno(?:@[\d.]+)? task ([a-z]+)/g)].map(([, name = ""]) => name);
  assert.deepEqual([...new Set(named)].filter((name) => !Object.hasOwn(tasks, name)), []);
});

Deno.test("README's commands of the local Studio exist, with their options", () => {
  const usages = usageText().split("\n").map((line) => line.trim());
  const lines = section("The local Studio").split("\n").filter((line) => line.startsWith("deno task studio "));
  assert.ok(lines.length > 5);
  for (const line of lines) {
    const words = line.split("#")[0]?.trim().split(/\s+/).slice(3) ?? [];
    const usage = usages.find((one) => {
      const names = one.split(" ").filter((word) => /^[a-z]+$/.test(word));
      return names.length > 0 && names.every((word, index) => words[index] === word);
    });
    assert.ok(usage !== undefined, line);
    for (const option of words.filter((word) => word.startsWith("--"))) assert.ok(usage.includes(option), line);
  }
});

for (const { path, text } of documents) {
  Deno.test(`every relative link in ${path} leads somewhere`, async () => {
    const folder = path.includes("/") ? `${path.slice(0, path.lastIndexOf("/"))}/` : "";
    for (const [, target = ""] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^[a-z]+:/.test(target)) continue;
      const [file = "", anchor] = target.split("#");
      if (file !== "") await assertExists(`${projectRoot}${folder}${file}`, `${path} links to ${target}`);
      else assert.ok(anchorsOf(text).includes(anchor ?? ""), `${path} has no heading for ${target}`);
    }
  });

  Deno.test(`every source file that ${path} names exists`, async () => {
    for (
      const [, name = ""] of text.matchAll(/(?:^|[\s([`])((?:lib|scripts|tests|docs)\/[\w./]*\.(?:ts|md|svg|json))/gm)
    ) {
      await assertExists(`${projectRoot}${name}`, `${path} names ${name}`);
    }
  });

  Deno.test(`${path} names nothing outside the project`, () => {
    const outside = /(?<!\w)\/work\b|\.library\b|\bshared\/[a-z]+\.md|\bspec\/|\bfile:\/\//.exec(text);
    assert.equal(outside?.[0], undefined);
  });
}

function section(title: string): string {
  const start = readme.indexOf(`\n## ${title}\n`);
  assert.ok(start >= 0, `README has no section "${title}"`);
  const end = readme.indexOf("\n## ", start + 4);
  return readme.slice(start, end < 0 ? undefined : end);
}

function rowsOf(text: string): string[][] {
  const lines = text.split("\n").filter((line) => line.startsWith("|"));
  return lines.map((line) => line.slice(1, -1).split("|").map((cell) => cell.trim()));
}

function defaultText({ standard }: FlagRow): string {
  return standard === "" ? "empty" : `\`${standard}\``;
}

function anchorsOf(text: string): string[] {
  const titles = [...text.matchAll(/^#+ (.*)$/gm)].map(([, title = ""]) => title);
  return titles.map((title) => title.toLowerCase().replaceAll(/[^a-z0-9 _-]/g, "").replaceAll(" ", "-"));
}

async function assertExists(path: string, what: string): Promise<void> {
  try {
    await Deno.lstat(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) assert.fail(`${what}, which does not exist`);
    throw error;
  }
}
