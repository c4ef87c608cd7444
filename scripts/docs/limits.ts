/** Makes the page about the agent's limits from the constants in the code. Pure. */

import { backlogLimitBytes, flushIntervalMs, payloadLimitBytes } from "../../lib/app_logs/batch.ts";
import { messageLimitBytes, replyListLimitBytes } from "../../lib/backend/answer_size.ts";
import { historyBytes, historyLines } from "../../lib/app_logs/history.ts";
import { mergeLimitBytes } from "../../lib/app_logs/merged_lines.ts";
import { servicesLimit } from "../../lib/app_logs/project_follower.ts";
import { unconfirmedChars } from "../../lib/app_logs/message_queue.ts";
import { entryLimit, unpackFactor } from "../../lib/apps/build/archive_entries.ts";
import { variableLimitBytes } from "../../lib/apps/container/variable.ts";
import { portPool } from "../../lib/apps/container/host_ports.ts";
import { removalLimitMs } from "../../lib/apps/container/app_folders.ts";
import { progressEveryMs, transferLimit, transferStallMs, waitingChunkChars } from "../../lib/apps/build/transfers.ts";
import { endedLimit, leftAloneMs } from "../../lib/apps/plan/left_alone.ts";
import { stopGraceSeconds, stopLimitSeconds } from "../../lib/apps/plan/stop_grace.ts";
import { patienceMs } from "../../lib/apps/report/state_reporter.ts";
import { crashLoopDelayMs, downloadDelayMs } from "../../lib/apps/watch/crash_loop.ts";
import { defaultPauseMs, pauseLimitMs } from "../../lib/docker/retry_after.ts";
import { volumeLimit } from "../../lib/apps/state/volume_records.ts";
import { probationMs } from "../../lib/apps/watch/probation.ts";
import { startupProbeMs } from "../../lib/apps/work/startup_probe.ts";
import { logLimitBytes } from "../../lib/disk_space/truncate_logs.ts";
import { diskPerDownloadByte } from "../../lib/disk_space/pull_space.ts";
import { manifestLimitBytes } from "../../lib/docker/registry_client.ts";
import { redirectLimit } from "../../lib/http/guarded_fetch.ts";
import { raucAnswerMs } from "../../lib/dbus/rauc.ts";
import { defaultThresholds } from "../../lib/disk_space/thresholds.ts";
import { lineLimitBytes } from "../../lib/base/lines.ts";
import { pieceBytes } from "../../lib/docker/log_lines.ts";
import { composeLimitsMs, composeStartsAtOnce } from "../../lib/docker/compose_cli.ts";
import { keptOutput } from "../../lib/host/head_and_tail.ts";
import { lineQueueLimits } from "../../lib/host/line_queue.ts";
import { engineCallLimitMs } from "../../lib/docker/engine_transport.ts";
import { downloadLimits } from "../../lib/files/download.ts";
import { changeLimits } from "../../lib/network/guarded_changes.ts";
import { allScansLimitMs } from "../../lib/network/wifi.ts";
import { adminAnswerMs } from "../../lib/tunnels/admin_api.ts";
import { printedLines } from "../../lib/tunnels/client_process.ts";
import { proxyLimit } from "../../lib/tunnels/proxy_set.ts";
import { clientUpMs } from "../../lib/tunnels/tunnel_client.ts";
import { releaseLimitBytes, releaseReserveBytes, trialLimitMs } from "../../lib/self_update/fetch_release.ts";
import { bundleLimitBytes } from "../../lib/os_update/download_bundle.ts";
import { installSilentPolls, installTextChars } from "../../lib/os_update/install_bundle.ts";
import { startCheckSpreadMs } from "../../lib/self_update/start_check.ts";
import { listLimitBytes } from "../../lib/files/held_folder.ts";
import { foreignLines } from "../../lib/async/line_quota.ts";
import { questionLimitBytes } from "../../lib/local/questions.ts";
import { socketLimits } from "../../lib/local/socket_server.ts";
import { problemLimit } from "../../lib/log/last_problems.ts";
import { seriesLimit } from "../../lib/telemetry/histograms.ts";
import type { Bounds } from "../../lib/base/bounds.ts";
import { openCallLimit } from "../../lib/handlers/dispatch.ts";
import { fileReserveBytes, pruneLimits } from "../../lib/disk_space/disk_space.ts";
import { queryLimits, tailLimits } from "../../lib/app_logs/app_logs.ts";
import { clockJumpBytes, keptBytes } from "../../lib/app_logs/container_window.ts";
import { queryLinesLimit } from "../../lib/handlers/log_arguments.ts";
import { ownLogLimits } from "../../lib/log/own_log_queries.ts";
import { retiredLogLimit } from "../../lib/apps/work/app_channels.ts";
import {
  allRequestsLimitBytes,
  answerRowLimit,
  appLimit,
  requestBounds,
  requestLimitBytes,
} from "../../lib/model/request_limits.ts";
import { debugLineQuota, lineQuota } from "../../lib/log/line_limits.ts";
import { fieldLimitChars } from "../../lib/log/format.ts";
import { defaultLimitBytes } from "../../lib/log/log_file.ts";
import { ownedSecretLimit, passingSecretLimit } from "../../lib/log/secrets.ts";
import { backupLimit } from "../../lib/log/rotation.ts";
import { beatPauseMs, silenceLimitMs } from "../../lib/status/heartbeat.ts";
import { turnLimitMs } from "../../lib/status/push_turns.ts";
import { waitingLimit } from "../../lib/store/message_rows.ts";
import { outboxLimit } from "../../lib/store/outbox_rows.ts";
import { shellGraceMs } from "../../lib/terminals/container_shell.ts";
import { inputLimitBytes } from "../../lib/terminals/input_queue.ts";
import { heldLimitBytes, terminalMessageBytes } from "../../lib/terminals/output_pump.ts";
import { audienceLimitMs } from "../../lib/terminals/terminal_session.ts";
import {
  containerUnwatchedMs,
  deviceUnwatchedMs,
  startLimitMs,
  terminalLimit,
} from "../../lib/terminals/terminal_set.ts";
import { inboundLimitBytes } from "../../lib/wamp/message.ts";
import { sendBacklogLimitBytes } from "../../lib/wamp/transport.ts";
import { duration, size, table } from "./markdown.ts";

type Row = readonly [what: string, limit: string, beyond: string];

/** A random number in the middle, which spreads nothing. */
const middle = 0.5;

const plainDownload = { isLinkUp: true, pauseMs: 0, random: middle };

const apps: readonly Row[] = [
  ["one variable, name and value", size(variableLimitBytes), "the app gets it as a file only"],
  ["host ports", `${portPool.first} to ${portPool.last}`, "the start fails and is retried"],
  [
    "wait before retry n of a failed app",
    `${duration(crashLoopDelayMs(1, middle))} × n², at most ${duration(crashLoopDelayMs(1_000, middle))}, ± 20 %`,
    "",
  ],
  [
    "… of a failed download, while the link is up",
    `${duration(downloadDelayMs(1, plainDownload))} × n², at most ${
      duration(downloadDelayMs(1_000, plainDownload))
    }, ± 20 %`,
    "",
  ],
  [
    "pause that a registry asks for",
    `${duration(defaultPauseMs)} unless it names one, at most ${duration(pauseLimitMs)}`,
    "no app asks it before",
  ],
  ["startup probe", duration(startupProbeMs), "the app is `RUNNING`"],
  [
    "time to stop of an app that reacts to its stop signal",
    `${duration(stopGraceSeconds * 1000)}, or what its image asks for; at most ${duration(stopLimitSeconds * 1000)}`,
    "it is killed",
  ],
  ["volumes that an earlier agent has left to an app", `${volumeLimit}`, "they are left behind"],
  ["probation of a new release", duration(probationMs), "the old image is removed"],
  [
    "ends of the agent in the folder of an app",
    `${endedLimit}`,
    `the app is left alone for ${duration(leftAloneMs)}, or until Studio requests something`,
  ],
  ["deleting the folder of an app", duration(removalLimitMs), "the next try goes on with it"],
  [
    "lines of a program that wait to be shown",
    `${lineQueueLimits.lines}, and ${size(lineQueueLimits.chars)} of characters`,
    "further ones are dropped and counted; the program never waits",
  ],
  [
    "output of a failed program in its error",
    `the first ${keptOutput.headLines} and the last ${keptOutput.tailLines} lines, ${
      size(keptOutput.lineBytes)
    } of each`,
    "the number of lines in between",
  ],
  ["`docker compose`: starts and builds at once", `${composeStartsAtOnce}`, "the others wait; stops do not"],
  [
    "`docker compose`: stop and rm, down, up, build",
    [composeLimitsMs.stop, composeLimitsMs.down, composeLimitsMs.up, composeLimitsMs.build].map(duration).join(", "),
    "it is ended with all of its processes",
  ],
  ["how long a step waits for Studio to accept a report", duration(patienceMs), "work goes on; the report follows"],
  ["state reports that wait for Studio", `${outboxLimit}`, "the oldest is dropped, with a warning"],
];

const { text, ports, variables, compose, logins } = requestBounds;

/** Beyond a limit of one part, unless the request removes the app. */
const refused = "the request is refused, with the limit";

const requests: readonly Row[] = [
  ["a version, or a number as text", boundsText(text), refused],
  ["port rules", boundsText(ports), refused],
  ["variables, and their template", `${boundsText(variables)} each`, refused],
  ["a compose file", boundsText(compose), refused],
  ["logins of additional registries", boundsText(logins), refused],
  ["all of these together, as stored", size(requestLimitBytes), refused],
  ["stored for all apps together", size(allRequestsLimitBytes), `${refused}; what frees space is accepted`],
  ["apps on one device", `${appLimit}`, "a request for another one is refused"],
  ["rows of Studio's answer", `${answerRowLimit}`, "they are not read, and no app is removed"],
];

const calls: readonly Row[] = [
  ["entries of an uploaded archive", `${entryLimit}`, "it is refused before anything is written"],
  [
    "what an uploaded archive unpacks to",
    `${unpackFactor} times its size, and the free disk`,
    "likewise, with the entry",
  ],
  ["uploads under way", `${transferLimit}`, "further ones are refused"],
  ["silence in an upload", duration(transferStallMs), "it is dropped"],
  ["chunks of uploads that wait", `${waitingChunkChars} characters`, "the upload fails"],
  ["pause between two lines about an upload", duration(progressEveryMs), "the first and the last are always shown"],
  [
    "free space after an upload",
    `${size(fileReserveBytes)}; on the engine's disk ${size(defaultThresholds.emergencyBytes)}`,
    "it is refused, with both sizes",
  ],
  ["calls of one procedure by one caller", `${openCallLimit} at once`, "further ones are refused"],
  ["prunes", jobsText(pruneLimits), "refused"],
  ["logs read from the engine for callers", jobsText(tailLimits), "refused"],
];

const queries: readonly Row[] = [
  ["queries of the logs of apps", jobsText(queryLimits), "refused"],
  ["queries of the agent's own log", jobsText(ownLogLimits), "refused"],
  ["lines of one answer", `${queryLinesLimit}`, "fewer are sent"],
  [
    "all lines of one answer",
    `${size(replyListLimitBytes)} of JSON`,
    "the oldest are left out, and `truncated` says so",
  ],
  ["lines that are kept for an answer", size(keptBytes), "the oldest are left out, and `truncated` says so"],
  [
    "log in which all lines of a window are found after a jump of the clock",
    size(clockJumpBytes),
    "the search ends where half of what was read is older",
  ],
];

const logs: readonly Row[] = [
  ["history of a channel", `${historyLines} lines, ${size(historyBytes)}`, "the oldest lines go"],
  [
    "history in an answer",
    `${size(replyListLimitBytes)} of JSON`,
    "the oldest lines are left out, and the first line counts them",
  ],
  ["one line of a container", size(pieceBytes), "it comes in pieces"],
  ["containers of a compose app whose logs are followed", `${servicesLimit}`, "the others are left out"],
  [
    "old lines that wait to be put in order",
    `${size(mergeLimitBytes)} for each compose app`,
    "they are sent as they come",
  ],
  ["one line of a pull", size(lineLimitBytes), "it comes in pieces"],
  ["one line in a message", `${size(payloadLimitBytes)} as JSON`, "it comes in pieces"],
  ["time that lines are gathered for a message", duration(flushIntervalMs), ""],
  ["lines in one message", `${size(payloadLimitBytes)} as JSON`, "the rest goes into the next"],
  ["lines of a channel that wait", size(backlogLimitBytes), "newer lines are dropped and counted"],
  ["logs of removed apps", `${retiredLogLimit}`, "the oldest is forgotten"],
  ["old lines of a log that is read on after a restart", "10000", "the last 100 are shown, and a line says so"],
  [
    "log lines that are kept to be sent again",
    `${size(unconfirmedChars)} of each app`,
    "the oldest are lost with a link that was silent",
  ],
  ["agent messages that wait while the link is down", `${waitingLimit}`, "the oldest is dropped, with a warning"],
];

const terminals: readonly Row[] = [
  ["terminals in containers, and on the device", `${terminalLimit} each`, "further ones are refused"],
  ["bytes of a shell in one message", size(terminalMessageBytes), "the rest goes into the next"],
  ["output that nobody can receive yet", size(heldLimitBytes), "the shell waits"],
  ["input that a shell has not read", size(inputLimitBytes), "more is dropped, with a warning"],
  ["wait for a viewer after a connect", duration(audienceLimitMs), "output is sent all the same"],
  ["wait for the start of a terminal in a container", duration(startLimitMs), "it ends"],
  ["nobody watches a terminal in a container", duration(containerUnwatchedMs), "it ends"],
  ["nobody watches a terminal of the device", duration(deviceUnwatchedMs), "it ends"],
  ["a shell after its hang-up signal", duration(shellGraceMs), "it is killed"],
];

const link: readonly Row[] = [
  ["a message to the device", size(inboundLimitBytes), "the connection is closed and dialled again"],
  ["a message from the device", size(messageLimitBytes), "lists are shortened; other calls are answered with an error"],
  ["data that waits to be sent", size(sendBacklogLimitBytes), "answers queue, publications and calls fail"],
  ["pause between heartbeats", duration(beatPauseMs), ""],
  ["wait of a status report for the one before", duration(turnLimitMs), "it is left out"],
  ["time without an answer to a status report", duration(silenceLimitMs), "the connection is dialled again"],
];

const device: readonly Row[] = [
  ["free space on the engine's disk", size(defaultThresholds.lowBytes), "below: the agent cleans up"],
  ["", size(defaultThresholds.emergencyBytes), "below: an emergency, containers are stopped"],
  [
    "free space for a pull",
    `${diskPerDownloadByte} times the download, and ${size(defaultThresholds.emergencyBytes)}`,
    "the pull is refused, with both sizes",
  ],
  ["an answer of a registry about an image", size(manifestLimitBytes), "the pull goes on without knowing its size"],
  ["redirects that one request follows", `${redirectLimit}`, "it fails"],
  ["log of one container, when the disk is low", size(logLimitBytes), "it is emptied"],
  ["names in a folder that apps can write to", size(listLimitBytes), "the folder is not listed"],
  ["one call to the engine, once it is sent", duration(engineCallLimitMs), "it fails"],
  ["connections to the local socket", `${socketLimits.connections}`, "further ones are closed at once"],
  [
    "a local question, and the time for it and for its answer",
    `${size(questionLimitBytes)}, ${duration(socketLimits.questionMs)}, ${duration(socketLimits.answerMs)}`,
    "the connection is closed",
  ],
  ["kinds of durations that are measured", `${seriesLimit}`, "further ones are left out"],
  ["warnings and errors that `status` shows", `${problemLimit}`, "the oldest are left out"],
  ["own log file", `${size(defaultLimitBytes)}, and ${backupLimit} older ones`, "the oldest is deleted"],
  [
    "lines with one message in the own log",
    `${lineQuota.lines} in ${duration(lineQuota.perMs)}; of debug lines ${debugLineQuota.lines}`,
    "counted; the next line has `omitted`",
  ],
  [
    "lines about what a peer sends",
    `${foreignLines.lines} in ${duration(foreignLines.perMs)} of each kind`,
    "likewise",
  ],
  [
    "a new version of the agent",
    `${size(releaseLimitBytes)}; ${size(releaseReserveBytes)} stay free on the disk`,
    "it is refused",
  ],
  [
    "a bundle of the operating system",
    `${size(bundleLimitBytes)}; what has to stay free as for other files`,
    "it is refused",
  ],
  [
    "an answer of RAUC",
    duration(raucAnswerMs),
    `it is asked again; ${installSilentPolls} times in a row: the call fails, and the installation goes on`,
  ],
  ["a text of RAUC", `${installTextChars} characters`, "it is cut"],
  [
    "a download that stalls",
    `less than ${downloadLimits.stallBytes} bytes in ${duration(downloadLimits.stallMs)}`,
    `connected again; ${downloadLimits.tries} times in a row without progress: it fails`,
  ],
  [
    "a change of the network that is tried out",
    `${duration(changeLimits.tryMs)}; NetworkManager itself returns after ${
      duration(changeLimits.checkpointSeconds * 1_000)
    }`,
    "it is undone",
  ],
  ["a scan for Wi-Fi networks", duration(allScansLimitMs), "an error is answered"],
  ["tunnels of a device", `${proxyLimit}`, "further ones are refused"],
  ["an answer of the tunnel client", duration(adminAnswerMs), "it is asked again; in the end it is replaced"],
  ["start of the tunnel client", duration(clientUpMs), "it is replaced, later and later, for ever"],
  [
    "lines that the tunnel client prints",
    `${printedLines.lines} in ${duration(printedLines.perMs)}`,
    "the others are counted in the own log",
  ],
  ["`-version` of a new version", duration(trialLimitMs), "it is refused"],
  ["wait of the update check after the start", `a random time up to ${duration(startCheckSpreadMs)}`, ""],
  ["one field in the own log", `${fieldLimitChars} characters`, "it is cut"],
  [
    "masked registry tokens",
    `the newest ${passingSecretLimit}`,
    "the oldest is no longer masked by value",
  ],
  ["masked values of one app", `${ownedSecretLimit}`, "the others are masked by their names only"],
];

/** What is shared by callers, in words. */
function jobsText({ atOnce, queueLimit }: { atOnce: number; queueLimit: number }): string {
  return `${atOnce} at once, shared by all who ask; ${queueLimit} wait`;
}

/** Bounds in words. */
function boundsText({ chars, entries, depth }: Bounds): string {
  const parts = [
    ...(entries === undefined ? [] : [`${entries} entries`]),
    `${chars} characters`,
    ...(depth === undefined ? [] : [`${depth} levels`]),
  ];
  return parts.join(", ");
}

/** The page as Markdown, not yet formatted. */
export function renderLimits(): string {
  const part = (title: string, rows: readonly Row[]) => `## ${title}\n\n${table(["What", "Limit", "Beyond it"], rows)}`;
  return `# Limits

Made by \`deno task docs\` from the constants in the code; edit those, or \`scripts/docs/limits.ts\`.

Everything that gathers has a bound, and counts what it drops. The time limits of calls are in [wire.md](wire.md), the
platforms in [operating.md](operating.md#requirements).

${part("Apps", apps)}

${part("Requests", requests)}

${part("Calls", calls)}

${part("Logs of apps", logs)}

${part("Log queries", queries)}

${part("Terminals", terminals)}

${part("Link", link)}

${part("Device", device)}
`;
}
