/** Reads what the program consists of: its parts in a bundle, and what the runtime has to bring for its start. Pure. */

/** A package, or a folder or file of ours: `ws`, `lib/apps`, `lib/agent`. */
export interface Part {
  modules: number;
  /** Of its code as it stands in the bundle before it is minified. */
  bytes: number;
}

/** The parts of a bundle that was not minified: the bundler writes the path of each module above its code. */
export function readParts(bundle: string): Map<string, Part> {
  const parts = new Map<string, Part>();
  const modules = new Set<string>();
  let part: Part | undefined;
  for (const line of bundle.split("\n")) {
    const path = /^ *\/\/ ((?:node_modules|lib)\/\S+|main\.ts)$/.exec(line)?.[1];
    if (path === undefined) {
      if (part !== undefined) part.bytes += line.length + 1;
      continue;
    }
    const name = partOf(path);
    part = parts.get(name) ?? { modules: 0, bytes: 0 };
    parts.set(name, part);
    if (!modules.has(path)) part.modules += 1;
    modules.add(path);
  }
  return parts;
}

/** The sum of all parts. */
export function sumOf(parts: ReadonlyMap<string, Part>): Part {
  const sum: Part = { modules: 0, bytes: 0 };
  for (const { modules, bytes } of parts.values()) {
    sum.modules += modules;
    sum.bytes += bytes;
  }
  return sum;
}

/**
 * What is loaded before the agent runs, by `deno info --json` of the main module: modules of ours as paths from `root`
 * (a file URL), packages and modules of the runtime by name (`npm:ws`, `node:net`). What the main module itself loads
 * later counts as the start; what others load later does not. Throws when the text is not of that form.
 */
export function readStart(info: string, root: string): string[] {
  const value = readValue(info);
  const graph = new Map(readList(value, "modules").map((module) => [readText(module, "specifier"), module]));
  const redirects = readField(value, "redirects");
  const main = `${root}main.ts`;
  if (!graph.has(main)) throw new Error(`Cannot read the graph of modules: it has no ${main}`);
  const found = new Set<string>();
  const visit = (wanted: string) => {
    const redirect = readField(redirects, wanted);
    const specifier = typeof redirect === "string" ? redirect : wanted;
    const module = graph.get(specifier);
    if (found.has(specifier) || module === undefined) return;
    found.add(specifier);
    for (const dependency of readList(module, "dependencies")) {
      const target = readField(dependency, "code");
      if (target === undefined || (readField(dependency, "isDynamic") === true && specifier !== main)) continue;
      visit(readText(target, "specifier"));
    }
  };
  visit(main);
  return [...found].map((specifier) => shortName(specifier, root)).sort();
}

/** `file:///…/lib/agent.ts` → `lib/agent.ts`, `npm:/ws@8.18.3` → `npm:ws`. */
function shortName(specifier: string, root: string): string {
  if (specifier.startsWith(root)) return specifier.slice(root.length);
  const name = /^npm:\/?((?:@[^/@]+\/)?[^/@]+)/.exec(specifier)?.[1];
  return name === undefined ? specifier : `npm:${name}`;
}

/** The name of the part that a module of the bundle belongs to. */
function partOf(path: string): string {
  const name = /^node_modules\/\.deno\/[^/]+\/node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1];
  return name ?? path.split("/").slice(0, 2).join("/").replace(/\.ts$/, "");
}

function readValue(text: string): unknown {
  return JSON.parse(text);
}

function readField(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? Reflect.get(value, name) : undefined;
}

function readList(value: unknown, name: string): unknown[] {
  const list = readField(value, name) ?? [];
  if (!Array.isArray(list)) throw new Error(`Cannot read the graph of modules: ${name} is no list`);
  return list;
}

function readText(value: unknown, name: string): string {
  const text = readField(value, name);
  if (typeof text !== "string") throw new Error(`Cannot read the graph of modules: ${name} is no text`);
  return text;
}
