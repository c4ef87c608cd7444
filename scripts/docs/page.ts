/** Generated pages: formatted, written, or compared with the files. */

/** A page: its path below the project's folder, and its Markdown before it is formatted. */
export interface Page {
  path: string;
  text: string;
}

/** Formats Markdown as `deno fmt` does. Throws when the formatter fails. */
export async function format(text: string): Promise<string> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["fmt", "--quiet", "--no-config", "--line-width", "120", "--ext", "md", "-"],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
    env: { NO_COLOR: "1" },
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(text));
  await writer.close();
  const output = await child.output();
  if (!output.success) throw new Error(`Cannot format Markdown: ${new TextDecoder().decode(output.stderr).trim()}`);
  return new TextDecoder().decode(output.stdout);
}

/** Writes the pages that differ and returns their paths. */
export async function writePages(folder: string, pages: readonly Page[]): Promise<string[]> {
  const stale = await findStale(folder, pages);
  for (const page of stale) await Deno.writeTextFile(`${folder}/${page.path}`, page.text);
  return stale.map((page) => page.path);
}

/** The pages that are missing or differ, formatted. */
export async function findStale(folder: string, pages: readonly Page[]): Promise<Page[]> {
  const stale: Page[] = [];
  for (const { path, text } of pages) {
    const wanted = await format(text);
    if (await readIfPresent(`${folder}/${path}`) !== wanted) stale.push({ path, text: wanted });
  }
  return stale;
}

async function readIfPresent(path: string): Promise<string | undefined> {
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}
