/** Tests of README, CONTRIBUTING and docs/: what they name exists, and what they list is what the code says. */

import assert from "node:assert/strict";
import { dirname, join } from "node:path/posix";
import { readFlock } from "../lib/config/flock.ts";
import { type FlagRow, flagTable } from "../lib/flags.ts";
import { checkNames } from "../lib/local/doctor/judge.ts";
import { durations, observed } from "../lib/telemetry/instruments.ts";
import { metricName } from "../lib/telemetry/prometheus.ts";
import { decisionFields, fieldOf, readDecisions, titleOf } from "../scripts/docs/decisions.ts";
import { layers } from "../scripts/gate/layers.ts";
import { projectRoot } from "../scripts/paths.ts";
import { usageText } from "../scripts/studio/command_line/run_command.ts";

interface Document {
  /** From the project's folder. */
  path: string;
  text: string;
}

const documents = ["README.md", "CONTRIBUTING.md", ...filesBelow("docs").filter((path) => /\.(md|svg)$/.test(path))]
  .map(readDocument);

const sources = ["main.ts", ...["lib", "scripts", "tests"].flatMap(filesBelow)]
  .filter((path) => path.endsWith(".ts")).map(readDocument);

const sourceText = sources.map(({ text }) => text).join("\n");

Deno.test("README has at most 150 lines", () => {
  const lines = documentAt("README.md").text.trimEnd().split("\n").length;
  assert.ok(lines <= 150, `README has ${lines} lines`);
});

const [, tree = ""] = /```text\n([\s\S]*?)```/.exec(documentAt("README.md").text) ?? [];

Deno.test("operating.md explains every check of the doctor, in their order", () => {
  const headings = [...documentAt("docs/operating.md").text.matchAll(/^### doctor: (\w+)$/gm)].map(([, name]) => name);
  assert.deepEqual(headings, [...checkNames]);
});

Deno.test("operating.md lists what is measured, under both names", () => {
  const instruments = [...Object.values(durations), ...Object.values(observed)];
  const { text } = documentAt("docs/operating.md");
  const missing = instruments.filter((one) =>
    !new RegExp(`^\\| \`${one.name}\` +\\| \`${metricName(one)}\``, "m").test(text)
  );
  assert.deepEqual(missing.map(({ name }) => name), []);
});

Deno.test("README's tree names files and folders that exist", () => {
  const paths = [...tree.matchAll(/(?:^|\s)((?:[\w.]+\/)+[\w.]*|[\w]+\.ts)/gm)].map(([, path = ""]) => path);
  assert.ok(paths.length > 15, "the tree is too short to be the tree");
  for (const path of paths) assertExists(path, `README's tree names ${path}`);
});

Deno.test("README's tree names every folder of lib/", () => {
  const folders = [...Deno.readDirSync(`${projectRoot}lib`)].filter(({ isDirectory }) => isDirectory);
  const missing = folders.map(({ name }) => `lib/${name}/`).filter((path) => !tree.includes(path));
  assert.deepEqual(missing, []);
});

Deno.test("README's tree has the order of the layers", () => {
  const named = tree.split("\n").map((line) => line.split(" ")[0] ?? "").filter((path) => /^(lib\/|main)/.test(path));
  const order = layers.flat().filter((path) => named.includes(path));
  assert.deepEqual(named, order);
});

Deno.test("README links to every page in docs/", () => {
  const links = linksOf(documentAt("README.md").text);
  const pages = documents.map(({ path }) => path).filter((path) => /^docs\/[^/]+\.md$/.test(path));
  assert.deepEqual(pages.filter((path) => !links.includes(path)), []);
});

Deno.test("CONTRIBUTING names every check of the gate", async () => {
  const args = ["run", "--no-prompt", "-P=tools", "--quiet", "--no-check", "scripts/ok.ts", "--only", "no such check"];
  const output = await new Deno.Command(Deno.execPath(), { args, cwd: projectRoot }).output();
  const [, names = ""] = /the checks: (.*)/.exec(new TextDecoder().decode(output.stdout)) ?? [];
  assert.ok(names.split(", ").length > 10, names);
  const text = section("CONTRIBUTING.md", "Commits and the gate").replaceAll(/\s+/g, " ");
  assert.deepEqual(names.split(", ").filter((name) => !text.includes(name)), []);
});

Deno.test("docs/glossary.md has each term once, in alphabetical order within its section", () => {
  const parts = documentAt("docs/glossary.md").text.split("\n## ").slice(1);
  const termsOf = (part: string) => [...part.matchAll(/^- \*\*(.+?)\*\*:/gm)].map(([, term = ""]) => term);
  for (const part of parts) {
    const terms = termsOf(part).map((term) => term.replace(/^\./, "").toLowerCase());
    assert.ok(terms.length > 0, part);
    assert.deepEqual(terms, terms.toSorted());
  }
  const all = parts.flatMap(termsOf);
  assert.deepEqual(all, [...new Set(all)]);
});

Deno.test("the flags in docs/operating.md are those of the command line on Linux", () => {
  const rows = flagTable({ os: "linux", homeDir: undefined });
  const expected = rows.map((row) => [`\`-${row.name}\``, row.kind, defaultText(row), row.description]);
  assert.deepEqual(rowsOf(section("docs/operating.md", "Flags")).filter(([name]) => name?.startsWith("`-")), expected);
});

Deno.test("the fields of a .flock file in docs/operating.md are those that the agent knows, in their order", () => {
  const optional = ["environment", "insecure-registries", "appliance_domain", "update_url"];
  const read = readFlock(JSON.stringify(Object.fromEntries(optional.map((name) => [name, "x"]))));
  assert.ok(read.kind === "read");
  const known = Object.keys(JSON.parse(read.flock.text));
  const rows = rowsOf(section("docs/operating.md", "The .flock file")).filter(([name]) => name?.startsWith("`"));
  assert.deepEqual(rows.map(([name]) => name), known.map((name) => `\`${name}\``));
  const needed = rows.filter((row) => row[2] === "yes").map(([name]) => name?.replaceAll("`", ""));
  assert.deepEqual(needed, known.filter((name) => read.flock.missing.includes(name)));
});

Deno.test("the smallest .flock file in docs/operating.md lacks nothing that the agent needs", () => {
  const [, text = ""] = /```json\n([\s\S]*?)```/.exec(section("docs/operating.md", "The .flock file")) ?? [];
  const read = readFlock(text);
  assert.ok(read.kind === "read");
  assert.deepEqual({ missing: read.flock.missing, wrong: read.flock.wrongTypes }, { missing: [], wrong: [] });
});

Deno.test("the log messages that docs/operating.md explains are messages of the agent", () => {
  const [messages = ""] = section("docs/operating.md", "Troubleshooting").split("| Symptom");
  const quoted = rowsOf(messages).flatMap(([cell = ""]) =>
    [...cell.matchAll(/`([^`]+)`/g)].map(([, text = ""]) => text)
  );
  assert.ok(quoted.length > 5);
  assert.deepEqual(quoted.filter((text) => !sourceText.includes(text)), []);
});

Deno.test("the commands in docs/local_studio.md exist, with their options", () => {
  const usages = usageText().split("\n").map((line) => line.trim());
  const { text } = documentAt("docs/local_studio.md");
  const lines = text.split("\n").filter((line) => line.startsWith("deno task studio "));
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

Deno.test("the tasks that documents name are in deno.json", () => {
  const { tasks } = JSON.parse(Deno.readTextFileSync(`${projectRoot}deno.json`));
  const text = documents.map((document) => document.text).join("\n");
  const named = [...text.matchAll(/deno(?:@[\d.]+)? task ([a-z]+)/g)].map(([, name = ""]) => name);
  assert.deepEqual([...new Set(named)].filter((name) => !Object.hasOwn(tasks, name)), []);
});

const decisions = readDecisions(`${projectRoot}docs/decisions`);

for (const decision of decisions) {
  Deno.test(`docs/decisions/${decision.file} has its number, a title and its five fields`, () => {
    assert.ok(decision.text.startsWith(`# ${Number(decision.file.slice(0, 4))}. `), "the title has another number");
    assert.notEqual(titleOf(decision), "");
    assert.deepEqual(decisionFields.filter((field) => fieldOf(decision, field) === ""), []);
    assert.match(fieldOf(decision, "Date"), /^\d{4}-\d\d-\d\d$/);
  });
}

Deno.test("decisions are numbered without gaps, in the order of their dates", () => {
  assert.deepEqual(decisions.map(({ file }) => Number(file.slice(0, 4))), decisions.map((_, index) => index + 1));
  const dates = decisions.map((decision) => fieldOf(decision, "Date"));
  assert.deepEqual(dates, dates.toSorted());
});

Deno.test("every package of the agent has a decision", () => {
  const { imports } = JSON.parse(Deno.readTextFileSync(`${projectRoot}deno.json`));
  const packages = [...Object.keys(imports).filter((name) => !name.startsWith("@types/")), "node:sqlite"];
  const chosen = decisions.map((decision) => fieldOf(decision, "Choice")).join("\n");
  assert.deepEqual(packages.filter((name) => !chosen.includes(`\`${name}\``)), []);
});

for (const { path, text } of documents) {
  Deno.test(`every link in ${path} leads somewhere`, () => {
    for (const target of linksOf(text)) {
      const [file = "", anchor] = target.split("#");
      const linked = file === "" ? path : join(dirname(path), file);
      assertExists(linked, `${path} links to ${target}`);
      if (anchor === undefined || !linked.endsWith(".md")) continue;
      assert.ok(anchorsOf(documentAt(linked).text).includes(anchor), `${linked} has no heading for #${anchor}`);
    }
  });

  Deno.test(`every source file and function that ${path} names exists`, () => {
    const files = /(?:^|[\s([`])((?:lib|scripts|tests|docs)\/[\w./]*\.(?:ts|md|svg|json))/gm;
    for (const [, name = ""] of text.matchAll(files)) assertExists(name, `${path} names ${name}`);
    const functions = [...text.matchAll(/`(\w+)\(\)`/g)].map(([, name = ""]) => name);
    assert.deepEqual(functions.filter((name) => !new RegExp(`\\b${name}\\b`).test(sourceText)), []);
  });

  Deno.test(`${path} names nothing outside the project`, () => {
    const outside = /(?<!\w)\/work\b|\.library\b|\bshared\/[a-z]+\.md|\bspec\/|\bfile:\/\//.exec(text);
    assert.equal(outside?.[0], undefined);
  });
}

function readDocument(path: string): Document {
  return { path, text: Deno.readTextFileSync(`${projectRoot}${path}`) };
}

function documentAt(path: string): Document {
  const found = documents.find((document) => document.path === path);
  assert.ok(found !== undefined, `there is no ${path}`);
  return found;
}

/** Paths of all files below a folder of the project. */
function filesBelow(folder: string): string[] {
  return [...Deno.readDirSync(`${projectRoot}${folder}`)].flatMap(({ name, isDirectory }) => {
    return isDirectory ? filesBelow(`${folder}/${name}`) : [`${folder}/${name}`];
  }).sort();
}

function section(path: string, title: string): string {
  const { text } = documentAt(path);
  const start = text.indexOf(`\n## ${title}\n`);
  assert.ok(start >= 0, `${path} has no section "${title}"`);
  const end = text.indexOf("\n## ", start + 4);
  return text.slice(start, end < 0 ? undefined : end);
}

function rowsOf(text: string): string[][] {
  const lines = text.split("\n").filter((line) => line.startsWith("|"));
  return lines.map((line) => line.slice(1, -1).split("|").map((cell) => cell.trim()));
}

function defaultText({ defaultValue }: FlagRow): string {
  return defaultValue === "" ? "empty" : `\`${defaultValue}\``;
}

/** The targets of all links within the project. */
function linksOf(text: string): string[] {
  return [...text.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = ""]) => target).filter((target) =>
    !/^[a-z]+:/.test(target)
  );
}

function anchorsOf(text: string): string[] {
  const titles = [...text.matchAll(/^#+ (.*)$/gm)].map(([, title = ""]) => title);
  return titles.map((title) => title.toLowerCase().replaceAll(/[^a-z0-9 _-]/g, "").replaceAll(" ", "-"));
}

function assertExists(path: string, what: string): void {
  try {
    Deno.lstatSync(`${projectRoot}${path}`);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) assert.fail(`${what}, which does not exist`);
    throw error;
  }
}
