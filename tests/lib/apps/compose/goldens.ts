/**
 * Definitions of compose apps of the kinds that people publish, and what devices make of them: one a line of a file.
 */

import type { Dict } from "../../../../lib/base/json.ts";
import { portEntriesOf } from "../../../../lib/apps/compose/port_entries.ts";
import type { RewriteOptions } from "../../../../lib/apps/compose/rewrite.ts";

/** One of them. */
export interface Golden {
  name: string;
  /** Declared ports that have a rule. */
  rules?: number[];
  given: Dict;
  expected: Dict;
}

/** All of them. */
export function readGoldens(): Golden[] {
  const lines = Deno.readTextFileSync(new URL("goldens.jsonl", import.meta.url)).trim().split("\n");
  return lines.map((line) => JSON.parse(line));
}

/** What they are rewritten with: the first port of a definition is published on 40000, the second on 40001, … */
export function goldenOptions(definition: Dict, rules: readonly number[] = []): RewriteOptions {
  const hostPorts = new Map<string, number>();
  const { entries } = portEntriesOf(definition);
  const used = entries.filter(({ hasHostPort, port }) => hasHostPort || rules.includes(port));
  for (const { service, transport, port } of used) {
    const key = `${service} ${transport} ${port}`;
    if (!hostPorts.has(key)) hostPorts.set(key, 40_000 + hostPorts.size);
  }
  return {
    project: "prod_71_fan_ctl_compose",
    envDir: "/srv/apps/prod/fan_ctl/env",
    certsDir: "/srv/apps/certs",
    store: { appKey: 71, appName: "Fan_Ctl", registryUrl: "registry.lan.example/", mainRepository: "apps/" },
    ports: used.map(({ service, containerPort, transport, port }) => {
      const hostPort = hostPorts.get(`${service} ${transport} ${port}`) ?? 0;
      return { service, containerPort, transport, port, hostPort };
    }),
  };
}
