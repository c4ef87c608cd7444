/** Reads the imports of source files. Pure. */

/** One source file: its path from the project's root and its text. */
export interface SourceFile {
  path: string;
  text: string;
}

/** Every import and re-export of a file as written, type-only and dynamic ones included. */
export function importsOf(text: string): string[] {
  const found: string[] = [];
  const pattern =
    /(?:^|[\s;}])(?:import|export)\s[^;'"`]*?from\s*["']([^"']+)["']|(?:^|[\s;}])import\s*["']([^"']+)["']|\bimport\(\s*["']([^"']+)["']/g;
  for (const match of withoutComments(text).matchAll(pattern)) found.push(match[1] ?? match[2] ?? match[3] ?? "");
  return found;
}

/** The files of the project that a file imports, as paths from the project's root. */
export function importedFiles(file: SourceFile): string[] {
  return importsOf(file.text).filter((target) => target.startsWith(".")).map((target) =>
    resolvePath(file.path, target)
  );
}

/** The path that a relative import leads to. */
export function resolvePath(from: string, target: string): string {
  const names = from.split("/").slice(0, -1);
  for (const name of target.split("/")) {
    if (name === "..") names.pop();
    else if (name !== ".") names.push(name);
  }
  return names.join("/");
}

function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, "").replace(/^\s*\/\/.*$/gm, "");
}
