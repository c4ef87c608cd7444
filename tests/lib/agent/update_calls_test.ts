import assert from "node:assert/strict";
import { osUpdateReports, reasonToWait } from "../../../lib/agent/update_calls.ts";

Deno.test("reasonToWait() names the agent's own update, else the first apps that must not be disturbed", () => {
  const reason = (apps: string[], isAgentUpdating = false) => reasonToWait({ apps, isAgentUpdating });
  assert.equal(reason([]), undefined);
  assert.equal(reason(["shop"]), 'apps are in transition or on probation: "shop"');
  assert.equal(reason(["a", "b", "c", "d"]), 'apps are in transition or on probation: "a", "b", "c"');
  assert.equal(reason(["a"], true), "the agent is being updated");
});

Deno.test("osUpdateReports() has the names of the wire", () => {
  const sent: unknown[] = [];
  const { onDownload, onInstall } = osUpdateReports((topic, progress) => void sent.push([topic, progress]));
  onDownload({ increment: 1, currentBytes: 2, fileSize: 3 });
  onInstall({ step: "Copying", percent: 40 });
  assert.deepEqual(sent, [
    ["download_os_update_progress", { increment: 1, currentBytes: 2, fileSize: 3 }],
    ["install_os_update_progress", { operationName: "Copying", progressPercent: 40 }],
  ]);
});
