import assert from "node:assert/strict";
import type { RaucState } from "../../../lib/dbus/rauc.ts";
import { type BegunInstallation, judgeBegun } from "../../../lib/os_update/installation.ts";

const begun: BegunInstallation = { bootId: "one", bootSlot: "A", isBegun: true };
const idle: RaucState = {
  operation: "idle",
  lastError: "",
  progress: { percent: 0, message: "", depth: 0 },
  bootSlot: "A",
};
const progress = (percent: number, message: string, depth: number) => ({ progress: { percent, message, depth } });

const cases: [
  name: string,
  begun: Partial<BegunInstallation>,
  state: Partial<RaucState>,
  boot: string,
  kind: string,
][] = [
  ["still runs", {}, { operation: "installing", ...progress(40, "Checking bundle", 2) }, "one", "running"],
  ["runs, although a refused call has said idle", {}, progress(90, "Copying image to rootfs.1", 3), "one", "running"],
  ["has ended well", {}, progress(100, "Installing done.", 1), "one", "installed"],
  ["has failed", {}, { lastError: "no signature", ...progress(100, "Installing failed.", 1) }, "one", "failed"],
  ["was ended with the installer", {}, {}, "one", "unknown"],
  ["may never have begun", { isBegun: false }, progress(100, "Installing done.", 1), "one", "unknown"],
  ["has begun a moment before", { isBegun: false }, { operation: "installing" }, "one", "running"],
  ["is used since a restart", {}, { bootSlot: "B" }, "two", "installed"],
  ["was ended with the machine", {}, {}, "two", "unknown"],
  ["is on a system that names no slot", { bootSlot: "" }, { bootSlot: "" }, "two", "unknown"],
];

for (const [name, given, state, bootId, kind] of cases) {
  Deno.test(`judgeBegun() of an installation that ${name}: ${kind}`, () => {
    assert.equal(judgeBegun({ ...begun, ...given }, { state: { ...idle, ...state }, bootId }).kind, kind);
  });
}
