/** Reads the components of the program from its bundle, and what is loaded at its start. Pure. */

/** The size of a component: a package, or a folder or file of ours (`ws`, `lib/apps`, `lib/agent`). */
export interface Component {
  modules: number;
  /** Of its code in the bundle before it is minified. */
  bytes: number;
}

/** The components of a bundle that is not minified: the bundler writes the path of each module above its code. */
export function readComponents(bundle: string): Map<string, Component> {
  const components = new Map<string, Component>();
  const modules = new Set<string>();
  let component: Component | undefined;
  for (const line of bundle.split("\n")) {
    const path = /^ *\/\/ ((?:node_modules|lib)\/\S+|main\.ts|deno\.json)$/.exec(line)?.[1];
    if (path === undefined) {
      if (component !== undefined) component.bytes += line.length + 1;
      continue;
    }
    const name = componentOf(path);
    component = components.get(name) ?? { modules: 0, bytes: 0 };
    components.set(name, component);
    if (!modules.has(path)) component.modules += 1;
    modules.add(path);
  }
  return components;
}

/** The total size. */
export function sumOf(components: ReadonlyMap<string, Component>): Component {
  const sum: Component = { modules: 0, bytes: 0 };
  for (const { modules, bytes } of components.values()) {
    sum.modules += modules;
    sum.bytes += bytes;
  }
  return sum;
}

/**
 * What is loaded before the agent runs, by `deno info --json` of the main module: modules of ours as paths from `root`
 * (a file URL), packages and modules of the runtime by name (`npm:ws`, `node:net`). Dynamic imports count only in the
 * main module itself. Throws when the text does not have that form.
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

/** The name of the component that a module of the bundle belongs to. */
function componentOf(path: string): string {
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
  if (!Array.isArray(list)) throw new Error(`Cannot read the graph of modules: ${name} is not a list`);
  return list;
}

function readText(value: unknown, name: string): string {
  const text = readField(value, name);
  if (typeof text !== "string") throw new Error(`Cannot read the graph of modules: ${name} is not a string`);
  return text;
}
