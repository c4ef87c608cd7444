/** The groups of rows and the functions that measure them. A new group is added here. */

import type { Samples } from "./results.ts";
import { measureCalls } from "./groups/calls.ts";
import { measureCompose } from "./groups/compose.ts";
import { measureDay } from "./groups/day.ts";
import { measureDev } from "./groups/dev.ts";
import { measureAbsence, measureFleet } from "./groups/fleet.ts";
import { measureInstall } from "./groups/install.ts";
import { measureLoad } from "./groups/load.ts";
import { measureLocal } from "./groups/local.ts";
import { measureLogQuery } from "./groups/log_query.ts";
import { measureLogs } from "./groups/logs.ts";
import { measureMemory } from "./groups/memory.ts";
import { measurePayload } from "./groups/payload.ts";
import { measureReconcile } from "./groups/reconcile.ts";
import { measureStart } from "./groups/start.ts";
import { measureStop } from "./groups/stop.ts";
import { measureTerminals } from "./groups/terminals.ts";
import { measureTransitions } from "./groups/transitions.ts";
import { measureTunnels } from "./groups/tunnels.ts";
import { measureUpdate } from "./groups/update.ts";
import type { GroupName } from "./row.ts";
import type { GroupOptions } from "./fixture.ts";

/** Measures a group in a box, in a fixture of its own. Throws when it cannot be measured. */
export type MeasureGroup = (work: GroupOptions) => Promise<Samples>;

/** All groups. */
export const groups: Readonly<Record<GroupName, MeasureGroup>> = {
  start: measureStart,
  memory: measureMemory,
  calls: measureCalls,
  reconcile: measureReconcile,
  install: measureInstall,
  update: measureUpdate,
  logs: measureLogs,
  terminals: measureTerminals,
  tunnels: measureTunnels,
  local: measureLocal,
  stop: measureStop,
  payload: measurePayload,
  compose: measureCompose,
  dev: measureDev,
  load: measureLoad,
  fleet: measureFleet,
  absence: measureAbsence,
  day: measureDay,
  transitions: measureTransitions,
  log_query: measureLogQuery,
};
