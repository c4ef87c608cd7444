import assert from "node:assert/strict";
import { later, noArguments, working } from "../../../lib/handlers/procedure.ts";
import { markerProcedure, procedures } from "../../../lib/handlers/procedures.ts";
import { fakeDevice, never } from "../../fakes/fake_handler_device.ts";

/** Privilege and answer to a caller without it, as the callers of the device know them. */
const expected: [string, string, string][] = [
  ["request_app_state", "backend", "insufficient privileges"],
  ["check_host_port", "backend", "insufficient privileges"],
  ["write_data", "DEVELOP", "insufficient privileges write data to device"],
  ["device_handshake", "backend", "insufficient privileges"],
  ["get_images", "READ", "insufficient privileges to read docker images"],
  ["prune_images", "MAINTAIN", "insufficient privileges to prune images"],
  ["list_containers", "READ", "insufficient privileges to list containers"],
  ["request_terminal_session", "DEVELOP", "insufficient privileges to start a terminal session"],
  ["start_terminal_session", "DEVELOP", "insufficient privileges to start a terminal session"],
  ["stop_terminal_session", "DEVELOP", "insufficient privileges to start a terminal session"],
  ["init_device_terminal", "MAINTAIN", "insufficient privileges to open the device terminal"],
  ["get_app_log_history", "READ", "insufficient privileges to get app log history"],
  ["query_app_logs", "READ", "insufficient privileges to query app logs"],
  ["query_device_logs", "READ", "insufficient privileges to query device logs"],
  ["get_storage_data", "READ", "insufficient privileges to get storage data"],
  ["get_network_metadata", "READ", "insufficient privileges to read network metadata"],
  ["get_ipv4_addresses", "READ", "insufficient privileges to list ip addresses"],
  ["list_ethernet_devices", "READ", "insufficient privileges to list ethernet devices"],
  ["update_ipv4_config", "NETWORK", "insufficient privileges to update ip config"],
  ["list_wifi_networks", "READ", "insufficient privileges to list wifi networks"],
  ["scan_wifi_networks", "NETWORK", "insufficient privileges to scan wifi networks"],
  ["add_wifi_configuration", "NETWORK", "insufficient privileges to add wifi config"],
  ["remove_wifi_configuration", "NETWORK", "insufficient privileges to remove wifi config"],
  ["select_wifi_network", "NETWORK", "insufficient privileges to select wifi network"],
  ["restart_wifi", "NETWORK", "insufficient privileges to restart wifi"],
  ["get_agent_metadata", "READ", "insufficient privileges to get agent metadata"],
  ["update_agent", "MAINTAIN", "insufficient privileges to update reagent"],
  ["system_reboot", "MAINTAIN", "insufficient privileges to reboot device"],
  ["system_shutdown", "MAINTAIN", "insufficient privileges to power off device"],
  ["system_restart_agent", "MAINTAIN", "insufficient privileges to restart agent"],
  ["get_os_release", "READ", "insufficient privileges to get os release data"],
  ["download_os_update", "MAINTAIN", "insufficient privileges to update reswarmos"],
  ["install_os_update", "MAINTAIN", "insufficient privileges to update reswarmos"],
  ["get_tunnel_state", "backend", "insufficient privileges"],
];

Deno.test("the table holds the 34 procedures with their privileges and denials", () => {
  const seen = procedures.map(({ name, privilege, deniedText }) => [name, privilege, deniedText]);
  assert.deepEqual(seen.sort(), expected.toSorted());
  assert.equal(procedures.length, 34);
  assert.equal(markerProcedure.name, "wamp_connection_established");
});

Deno.test("every row describes its arguments and its result", () => {
  for (const row of [...procedures, markerProcedure]) {
    assert.notEqual(row.args, "", row.name);
    assert.notEqual(row.result, "", row.name);
  }
});

Deno.test("a guarded row has a text for callers that it refuses", () => {
  for (const row of procedures) assert.equal(row.deniedText === "", row.privilege === "router", row.name);
});

Deno.test("procedures that are not available say so", async () => {
  const missing = procedures.filter((row) => !row.isAvailable);
  assert.ok(missing.every((row) => "laterIssue" in row));
  for (const row of missing) {
    const call = { args: [], kwargs: {}, caller: "system", signal: never };
    const refusal = { code: "not_available", message: "not available in this version" };
    await assert.rejects(row.answer(fakeDevice(), call), refusal, row.name);
  }
});

Deno.test("a row without a privilege does not compile", () => {
  const facts = { name: "x", deniedText: "", args: "", result: "" };
  // @ts-expect-error: the privilege is missing.
  later({ ...facts, laterIssue: "x" });
  // @ts-expect-error: the privilege is missing.
  working({ ...facts, decode: noArguments, run: () => ({}) });
  // @ts-expect-error: there is no such privilege.
  working({ ...facts, privilege: "ALL", decode: noArguments, run: () => ({}) });
  assert.equal(working({ ...facts, privilege: "READ", decode: noArguments, run: () => ({}) }).privilege, "READ");
});
