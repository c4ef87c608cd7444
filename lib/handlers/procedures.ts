/**
 * Every procedure of the device, one row each. A row without a privilege does not compile. The order is that of
 * registration and of `docs/wire.md`, which is generated from this table.
 */

import { decodeContainerName, decodeOwnLogRequest, getAppLogHistory, queryAppLogs, queryDeviceLogs } from "./logs.ts";
import { decodeUploadPart, uploadOf, writeData } from "./builds.ts";
import { checkHostPort, decodeHostPort, requestAppState } from "./apps.ts";
import { decodePrune, getImages, listContainers, pruneImages } from "./containers.ts";
import { fullPruneLimitMs } from "../disk_space/disk_space.ts";
import {
  addWifiConfiguration,
  getIpv4Addresses,
  getNetworkMetadata,
  listEthernetDevices,
  listWifiNetworks,
  removeWifiConfiguration,
  restartWifi,
  scanWifiNetworks,
  selectWifiNetwork,
  updateIpv4Config,
} from "./network.ts";
import { decodeIpv4Request, decodeSsid, decodeWifiChoice, decodeWifiRequest } from "./network_arguments.ts";
import { noArguments, type Procedure, type ProcedureRow, working } from "./procedure.ts";
import {
  decodeTerminalRequest,
  decodeTerminalSession,
  initDeviceTerminal,
  requestTerminalSession,
  startTerminalSession,
  stopTerminalSession,
} from "./terminals.ts";
import { downloadOsUpdate, getOsRelease, installOsUpdate } from "./os_update.ts";
import { osUpdateLimitMs } from "../os_update/os_update.ts";
import { updateLimitMs } from "../self_update/self_update.ts";
import {
  deviceHandshake,
  getAgentMetadata,
  getStorageData,
  getTunnelState,
  schedulePower,
  updateAgent,
} from "./system.ts";

const nothing = "none";
const empty = "empty";
const backendDenied = "insufficient privileges";
const terminalDenied = "insufficient privileges to start a terminal session";

/**
 * All procedures that are registered as `re.mgmt.<serial>.<name>` after every connect, apart from the connection
 * marker.
 */
export const procedures: readonly ProcedureRow[] = [
  working({
    name: "request_app_state",
    privilege: "backend",
    deniedText: backendDenied,
    args: "kwargs {app_key, app_name, stage, target_state, current_state?, release_key?, new_release_key?, version?, " +
      "present_version?, newest_version?, request_update?, cancel_transition?, requestor_account_key?, " +
      "device_owner_account_key?, environment?, environment_template?, ports?, docker_compose?, new_docker_compose?, " +
      "docker_credentials?, instance_key?, app_cred_epoch?}",
    result: "empty, once it is stored; the work follows in the background",
    decode: noArguments,
    run: requestAppState,
  }),
  working({
    name: "check_host_port",
    privilege: "backend",
    deniedText: backendDenied,
    args: "[{app_key, port, host_port, stage?, protocol?}]",
    result: "[{available: bool, reason: empty, ambiguous_compose_rule, denylisted, taken_by_app or taken_by_process}]",
    decode: decodeHostPort,
    run: checkHostPort,
  }),
  working({
    name: "write_data",
    privilege: "DEVELOP",
    deniedText: "insufficient privileges write data to device",
    args: "[chunk: BEGIN, END or hexadecimal text, fileName, containerName, total: bytes, id]",
    result: empty,
    orderBy: uploadOf,
    decode: decodeUploadPart,
    run: writeData,
  }),
  working({
    name: "device_handshake",
    privilege: "backend",
    deniedText: backendDenied,
    args: nothing,
    result: "kwargs {utp: local time, RFC 3339, id: serial number}",
    decode: noArguments,
    run: deviceHandshake,
  }),
  working({
    name: "get_images",
    privilege: "READ",
    deniedText: "insufficient privileges to read docker images",
    args: nothing,
    result: "one {created?, containers?, sharedSize?, virtualSize?, id?, labels?, size?, repoTags?} for each image; " +
      "kwargs {truncated, left_out} if not all fit",
    limitMs: 2_000,
    decode: noArguments,
    run: getImages,
  }),
  working({
    name: "prune_images",
    privilege: "MAINTAIN",
    deniedText: "insufficient privileges to prune images",
    args: "[{all?: bool}]?",
    result: "empty, or with all: [output of docker system prune]",
    limitMs: fullPruneLimitMs,
    decode: decodePrune,
    run: pruneImages,
  }),
  working({
    name: "list_containers",
    privilege: "READ",
    deniedText: "insufficient privileges to list containers",
    args: nothing,
    result: "[[container as in GET /containers/json?all=1 of the engine]]; " +
      "kwargs {truncated, left_out} if not all fit",
    limitMs: 10_000,
    decode: noArguments,
    run: listContainers,
  }),
  working({
    name: "request_terminal_session",
    privilege: "DEVELOP",
    deniedText: terminalDenied,
    args: "[{containerName}]",
    result: "[{dataTopic, writeTopic, resizeTopic, sessionID}]",
    limitMs: 60_000,
    decode: decodeTerminalRequest,
    run: requestTerminalSession,
  }),
  working({
    name: "start_terminal_session",
    privilege: "DEVELOP",
    deniedText: terminalDenied,
    args: "[{sessionID}]",
    result: empty,
    decode: decodeTerminalSession,
    run: startTerminalSession,
  }),
  working({
    name: "stop_terminal_session",
    privilege: "DEVELOP",
    deniedText: terminalDenied,
    args: "[{sessionID}]",
    result: "empty, once the shell is gone",
    decode: decodeTerminalSession,
    run: stopTerminalSession,
  }),
  working({
    name: "init_device_terminal",
    privilege: "MAINTAIN",
    deniedText: "insufficient privileges to open the device terminal",
    args: nothing,
    result: "[{sessionID, writeTopic, dataTopic, resizeTopic}]",
    decode: noArguments,
    run: initDeviceTerminal,
  }),
  working({
    name: "get_app_log_history",
    privilege: "READ",
    deniedText: "insufficient privileges to get app log history",
    args: "[{containerName}]",
    result: "[[line, oldest first; the first one counts those that did not fit]]",
    decode: decodeContainerName,
    run: getAppLogHistory,
  }),
  working({
    name: "query_app_logs",
    privilege: "READ",
    deniedText: "insufficient privileges to query app logs",
    failedCheckPrefix: "could not verify privileges: ",
    args: "[{containerName, tail?, offset?, since?, until?, timestamps?}]",
    result: "[{lines, source, returned, truncated, device_time, oldest_available?}]",
    decode: decodeContainerName,
    endsWithSession: true,
    run: queryAppLogs,
  }),
  working({
    name: "query_device_logs",
    privilege: "READ",
    deniedText: "insufficient privileges to query device logs",
    failedCheckPrefix: "could not verify privileges: ",
    args: "[{tail?, since?, until?, level?}]?",
    result: "[{lines, returned, truncated, files_scanned, device_time, oldest_available?}]",
    decode: decodeOwnLogRequest,
    endsWithSession: true,
    run: queryDeviceLogs,
  }),
  working({
    name: "get_storage_data",
    privilege: "READ",
    deniedText: "insufficient privileges to get storage data",
    args: nothing,
    result: "[{the 12 figures of a status report}]",
    decode: noArguments,
    run: getStorageData,
  }),
  working({
    name: "get_network_metadata",
    privilege: "READ",
    deniedText: "insufficient privileges to read network metadata",
    args: nothing,
    result: "one {IP, Mask: base64} for each address",
    decode: noArguments,
    run: getNetworkMetadata,
  }),
  working({
    name: "get_ipv4_addresses",
    privilege: "READ",
    deniedText: "insufficient privileges to list ip addresses",
    args: nothing,
    result: "[[{interfaceName, ip}]]",
    decode: noArguments,
    run: getIpv4Addresses,
  }),
  working({
    name: "list_ethernet_devices",
    privilege: "READ",
    deniedText: "insufficient privileges to list ethernet devices",
    args: nothing,
    result: "one {interfaceName, mac, ipv4, ipv6, method} for each device",
    decode: noArguments,
    run: listEthernetDevices,
  }),
  working({
    name: "update_ipv4_config",
    privilege: "NETWORK",
    deniedText: "insufficient privileges to update ip config",
    args: "[{method, mac, interfaceName, ipv4?, prefix?}]",
    result: "empty, before the link is touched; the end follows on network_change",
    decode: decodeIpv4Request,
    run: updateIpv4Config,
  }),
  working({
    name: "list_wifi_networks",
    privilege: "READ",
    deniedText: "insufficient privileges to list wifi networks",
    args: nothing,
    result:
      "one {mac, ssid, channel, signal, security, frequency, known, current} for each network; kwargs {ipv4, ipv6}",
    decode: noArguments,
    run: listWifiNetworks,
  }),
  working({
    name: "scan_wifi_networks",
    privilege: "NETWORK",
    deniedText: "insufficient privileges to scan wifi networks",
    args: nothing,
    result: empty,
    decode: noArguments,
    run: scanWifiNetworks,
  }),
  working({
    name: "add_wifi_configuration",
    privilege: "NETWORK",
    deniedText: "insufficient privileges to add wifi config",
    args: "[{ssid, password, priority, mac?, security?}]",
    result: empty,
    decode: decodeWifiRequest,
    run: addWifiConfiguration,
  }),
  working({
    name: "remove_wifi_configuration",
    privilege: "NETWORK",
    deniedText: "insufficient privileges to remove wifi config",
    args: "[{ssid}]",
    result: empty,
    decode: decodeSsid,
    run: removeWifiConfiguration,
  }),
  working({
    name: "select_wifi_network",
    privilege: "NETWORK",
    deniedText: "insufficient privileges to select wifi network",
    args: "[{ssid, mac}]",
    result: "empty, before the link is touched; the end follows on network_change",
    decode: decodeWifiChoice,
    run: selectWifiNetwork,
  }),
  working({
    name: "restart_wifi",
    privilege: "NETWORK",
    deniedText: "insufficient privileges to restart wifi",
    args: nothing,
    result: empty,
    decode: noArguments,
    run: restartWifi,
  }),
  working({
    name: "get_agent_metadata",
    privilege: "READ",
    deniedText: "insufficient privileges to get agent metadata",
    args: nothing,
    result: "[{os, OSVersion, arch, variant, version, serialNumber, canUpdate, tunnelCapable, latestVersion?, " +
      "latestAgentVersion?, latestTunnelVersion?, hasLatest?, lastUpdate?: {from, to, outcome, why}}]",
    decode: noArguments,
    run: getAgentMetadata,
  }),
  working({
    name: "update_agent",
    privilege: "MAINTAIN",
    deniedText: "insufficient privileges to update reagent",
    args: nothing,
    result:
      "[{CurrentVersion, LatestVersion, Message, DidAgentUpdate, DidTunnelUpdate, DidUpdate, InProgress, TotalFileSize, " +
      "lastUpdate?: {from, to, outcome, why}}]",
    limitMs: updateLimitMs,
    decode: noArguments,
    run: updateAgent,
  }),
  working({
    name: "system_reboot",
    privilege: "MAINTAIN",
    deniedText: "insufficient privileges to reboot device",
    args: nothing,
    result: "empty; acts two seconds later",
    decode: noArguments,
    run: schedulePower("reboot"),
  }),
  working({
    name: "system_shutdown",
    privilege: "MAINTAIN",
    deniedText: "insufficient privileges to power off device",
    args: nothing,
    result: "empty; acts two seconds later",
    decode: noArguments,
    run: schedulePower("shutdown"),
  }),
  working({
    name: "system_restart_agent",
    privilege: "MAINTAIN",
    deniedText: "insufficient privileges to restart agent",
    args: nothing,
    result: "empty; acts two seconds later",
    decode: noArguments,
    run: schedulePower("restartAgent"),
  }),
  working({
    name: "get_os_release",
    privilege: "READ",
    deniedText: "insufficient privileges to get os release data",
    args: nothing,
    result: "[{currentRelease: {Name, Version, BuildTime}, latestRelease: {Name, Version, BuildTime}, " +
      "lastUpdate?: {bundle, outcome: installing, installed, failed or unknown, why}}] or empty",
    decode: noArguments,
    run: getOsRelease,
  }),
  working({
    name: "download_os_update",
    privilege: "MAINTAIN",
    deniedText: "insufficient privileges to update reswarmos",
    args: nothing,
    result: "empty, once the bundle is on the disk",
    limitMs: osUpdateLimitMs,
    decode: noArguments,
    run: downloadOsUpdate,
  }),
  working({
    name: "install_os_update",
    privilege: "MAINTAIN",
    deniedText: "insufficient privileges to update reswarmos",
    args: nothing,
    result: "empty, once the update is installed",
    limitMs: osUpdateLimitMs,
    decode: noArguments,
    run: installOsUpdate,
  }),
  working({
    name: "get_tunnel_state",
    privilege: "backend",
    deniedText: backendDenied,
    args: nothing,
    result: "[[state of each tunnel]]",
    decode: noArguments,
    run: getTunnelState,
  }),
];

/**
 * The connection marker: registered by the link itself on every dial, without force, for whoever the router lets
 * through.
 */
export const markerProcedure: Procedure = {
  name: "wamp_connection_established",
  privilege: "router",
  deniedText: "",
  args: nothing,
  result: "[Hello :-)]",
};
