import assert from "node:assert/strict";
import type { Goal } from "../../../../lib/apps/plan/steps.ts";
import { isAlive } from "../../../../lib/apps/state/observed_app.ts";
import { stepsOf } from "../../../fault/step_list.ts";

const goals: readonly Goal[] = [
  ...["run", "stop", "remove", "uninstall", "recoverPresent", "update", "rollBack"] as const,
  ...["removeCanceled", "uninstallCanceled"] as const,
];

Deno.test("#8: every plan that removes a container with a process stops it first", () => {
  for (const goal of goals) {
    for (const container of ["created", "running", "paused", "restarting", "exited", "dead"]) {
      const steps = stepsOf(goal, { container, tags: ["1"], newest: "2", fallback: "1" }).map(({ kind }) => kind);
      const removal = steps.indexOf("removeContainer");
      assert.ok(removal >= 0, `${goal} from ${container}`);
      assert.equal(steps[removal - 1] === "stopContainer", isAlive(container), `${goal} from ${container}`);
    }
  }
});
