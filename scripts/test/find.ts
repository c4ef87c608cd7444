/** Finds the test files of the project. */

import type { TestFile } from "./selection.ts";

/**
 * All test files below `tests/`, with the first line, which says what they need. `root` is the project's folder and
 * ends with a slash.
 */
export async function findTests(root: string): Promise<TestFile[]> {
  return await findBelow(root, "tests");
}

async function findBelow(root: string, folder: string): Promise<TestFile[]> {
  const files: TestFile[] = [];
  for await (const entry of Deno.readDir(`${root}${folder}`)) {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory) files.push(...await findBelow(root, path));
    else if (entry.name.endsWith("_test.ts")) {
      files.push({ path, firstLine: (await Deno.readTextFile(`${root}${path}`)).split("\n", 1)[0] ?? "" });
    }
  }
  return files;
}
