/**
 * `deno task docs [--check]`: writes the pages in `docs/` that follow from the code. With `--check` nothing is written:
 * the exit code is 1 when a page differs from what the code says, and a line names it.
 */

import { procedures } from "../lib/handlers/procedures.ts";
import { readDecisions, renderDecisions } from "./docs/decisions.ts";
import { renderLimits } from "./docs/limits.ts";
import { renderNotAvailable } from "./docs/not_available.ts";
import { findStale, type Page, writePages } from "./docs/page.ts";
import { readSchema, renderPersistence } from "./docs/persistence.ts";
import { statesPage } from "./docs/states.ts";
import { renderWire, wireTables } from "./docs/wire.ts";
import { projectRoot } from "./paths.ts";

/** All generated pages, not yet formatted. */
export function generatedPages(): Page[] {
  return [
    { path: "docs/wire.md", text: renderWire(wireTables()) },
    { path: "docs/states.md", text: statesPage() },
    { path: "docs/limits.md", text: renderLimits() },
    { path: "docs/not_available.md", text: renderNotAvailable(procedures) },
    { path: "docs/persistence.md", text: renderPersistence(readSchema()) },
    { path: "docs/decisions/README.md", text: renderDecisions(readDecisions(`${projectRoot}docs/decisions`)) },
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
    print(written.length === 0 ? "All pages are up to date" : `Wrote ${written.join(", ")}`);
    return 0;
  }
  const stale = await findStale(projectRoot, generatedPages());
  for (const { path } of stale) print(`${path} is out of date; run: deno task docs`);
  return stale.length === 0 ? 0 : 1;
}

function print(text: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${text}\n`));
}
