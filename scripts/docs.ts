/**
 * `deno task docs [--check]`: makes the pages in `docs/` that follow from the agent's own tables. With `--check` nothing is
 * written: the exit code is 1 when a page is not what the code says, and a line names it.
 */

import { findStale, type Page, writePages } from "./docs/page.ts";
import { statesPage } from "./docs/states.ts";
import { renderWire, wireTables } from "./docs/wire.ts";
import { projectRoot } from "./paths.ts";

/** The pages that are made from code. */
export function generatedPages(): Page[] {
  return [
    { path: "docs/wire.md", text: renderWire(wireTables()) },
    { path: "docs/states.md", text: statesPage() },
  ];
}

if (import.meta.main) Deno.exit(await main(Deno.args));

async function main(args: readonly string[]): Promise<number> {
  if (args.length > 1 || (args.length === 1 && args[0] !== "--check")) {
    print("Usage: deno task docs [--check]");
    return 2;
  }
  if (args.length === 0) {
    const written = await writePages(projectRoot, generatedPages());
    print(written.length === 0 ? "All pages are what the code says" : `Wrote ${written.join(", ")}`);
    return 0;
  }
  const stale = await findStale(projectRoot, generatedPages());
  for (const { path } of stale) print(`${path} is not what the code says; run: deno task docs`);
  return stale.length === 0 ? 0 : 1;
}

function print(text: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${text}\n`));
}
