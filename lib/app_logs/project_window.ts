/** Reads the logs of all containers of a compose project as one, as `docker compose logs` shows them. */

import type { TimeWindow } from "../base/rfc3339.ts";
import { shownContainerName } from "../model/app_names.ts";
import { composeLabels } from "../model/labels.ts";
import { keptBytes, type LoggedContainer, readWindowLines, type StoredLogEngine } from "./container_window.ts";
import type { KeptLine } from "./newest_lines.ts";
import { servicesLimit } from "./project_follower.ts";
import { servicePrefix } from "./service_lines.ts";

/** A container of a project, as the engine lists it. */
export interface ProjectContainer {
  id: string;
  names: readonly string[];
  labels: Readonly<Record<string, string>>;
}

/** What is needed of the engine. */
export interface ProjectLogEngine extends StoredLogEngine {
  inspect(id: string, signal: AbortSignal): Promise<LoggedContainer | undefined>;
  /** The containers of a project, running or not. */
  listProject(project: string, signal: AbortSignal): Promise<readonly ProjectContainer[]>;
}

/** The newest lines of a project, merged by their times. */
export interface ProjectLines {
  /** Oldest first. */
  lines: { kept: KeptLine; prefix: string }[];
  /** More were found in all containers together. */
  isCut: boolean;
}

/**
 * The newest `kept` lines of the window; undefined when the project has no container. Of each container the newest
 * `wanted` are read, one after the other. Throws as `storedLogs()`.
 */
export async function readProjectLines(
  engine: ProjectLogEngine,
  project: string,
  options: { wanted: number; kept: number; window: TimeWindow; signal: AbortSignal },
): Promise<ProjectLines | undefined> {
  const containers = (await engine.listProject(project, options.signal))
    .filter(({ labels }) => labels[composeLabels.oneOff] !== "True").slice(0, servicesLimit);
  if (containers.length === 0) return undefined;
  let lines: ProjectLines["lines"] = [];
  let isCut = false;
  for (const { id, prefix } of withPrefixes(project, containers)) {
    const container = await engine.inspect(id, options.signal);
    // It was removed meanwhile.
    if (container === undefined) continue;
    const read = await readWindowLines(engine, container, options);
    const merged = merge(lines, read.lines.map((kept) => ({ kept, prefix })));
    lines = newestOf(merged, options.kept);
    isCut ||= read.isCut || lines.length < merged.length;
  }
  return { lines, isCut };
}

function withPrefixes(
  project: string,
  containers: readonly ProjectContainer[],
): { id: string; prefix: string }[] {
  const named = containers.map(({ id, names: [name = id] }) => ({ id, name: shownContainerName(name, project) }));
  const width = Math.max(...named.map(({ name }) => name.length));
  return named.map(({ id, name }) => ({ id, prefix: servicePrefix(name, width) }));
}

/** Lines of one log keep their order, also when the clock was set back between them. */
function merge(a: ProjectLines["lines"], b: ProjectLines["lines"]): ProjectLines["lines"] {
  const merged: ProjectLines["lines"] = [];
  for (let left = 0, right = 0; left < a.length || right < b.length;) {
    const [one, other] = [a[left], b[right]];
    const isLeft = other === undefined || (one !== undefined && one.kept.time <= other.kept.time);
    const next = isLeft ? a[left++] : b[right++];
    if (next !== undefined) merged.push(next);
  }
  return merged;
}

function newestOf(lines: ProjectLines["lines"], wanted: number): ProjectLines["lines"] {
  let from = lines.length;
  let bytes = 0;
  while (from > 0 && lines.length - from < wanted) {
    bytes += lines[from - 1]?.kept.size ?? 0;
    if (bytes > keptBytes && from < lines.length) break;
    from -= 1;
  }
  return lines.slice(from);
}
