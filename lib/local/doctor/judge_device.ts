/** Judges the device itself: clock, disks, rights, database. Pure. */

import { diskSizeText } from "../status_text.ts";
import type { DiskProbe, DoctorFacts } from "./doctor_facts.ts";
import { broken, doubtful, type Finding, fine, unchecked } from "./finding.ts";

/** What the judgements go by. */
export const doctorLimits = {
  /** A clock that is off by more than this. */
  clockWarnMs: 30_000,
  clockFailMs: 300_000,
  /** Free on the engine's disk: below it the agent cleans up, and stops apps. */
  engineWarnBytes: 3 * 1024 ** 3,
  engineFailBytes: 1024 ** 3,
  /** Free on other disks. */
  otherWarnBytes: 64 * 1024 ** 2,
  otherFailBytes: 16 * 1024 ** 2,
  /** Free in parts of a hundred, of files; the rest is used up quickly. */
  inodesWarnPercent: 10,
  inodesFailPercent: 2,
};

/** No agent is older: a clock before it has never been set. */
const earliestMs = Date.UTC(2026, 0, 1);

/** The clock, by those of the servers that answered. */
export function judgeClock({ clock, tls }: DoctorFacts): Finding {
  const shown = new Date(clock.nowMs).toISOString().slice(0, 19);
  const advice = "Let the device set its clock by NTP (timedatectl set-ntp true), and check the battery of its clock.";
  const [worst] = [...clock.aheadMs].sort((a, b) => Math.abs(b.ms) - Math.abs(a.ms));
  const seconds = worst === undefined ? 0 : Math.round(Math.abs(worst.ms) / 1000);
  const text = worst === undefined
    ? `It shows ${shown} UTC`
    : `It shows ${shown} UTC, ${seconds} s ${worst.ms < 0 ? "behind" : "ahead of"} ${worst.server}`;
  if (clock.nowMs < earliestMs) return broken(`${text}, which cannot be`, advice);
  const isOutside = tls.kind === "untrusted" && (clock.nowMs < tls.fromMs || clock.nowMs > tls.toMs);
  if (worst === undefined) {
    if (isOutside) return doubtful(`${text}, outside the dates of the router's certificate`, advice);
    return doubtful(`${text}; no server answered to compare it with`, "Check the time with a watch.");
  }
  if (Math.abs(worst.ms) > doctorLimits.clockFailMs) return broken(text, advice);
  return Math.abs(worst.ms) > doctorLimits.clockWarnMs ? doubtful(text, advice) : fine(text);
}

/** Free space of all disks; the worst one counts. */
export function judgeDisks({ disks }: DoctorFacts): Finding {
  const findings = disks.map(judgeFreeSpace);
  return worstOf(findings) ?? unchecked("no file system answered");
}

/** Files that can still be made; the worst disk counts. */
export function judgeInodes({ disks }: DoctorFacts): Finding {
  // Some file systems make inodes as they are needed.
  const counted = disks.filter(({ totalFiles }) => totalFiles > 0);
  return worstOf(counted.map(judgeFiles)) ?? fine("The file systems have no limit of files");
}

/** Who else could change or read what belongs to the agent. */
export function judgePermissions({ permissions }: DoctorFacts): Finding {
  if (permissions.kind === "failed") return unchecked(permissions.error);
  const { isRoot, loose } = permissions;
  if (loose.length > 0) {
    const text = loose.map(({ path, problem }) => `${path} ${problem}`).join("; ");
    return broken(text, "Take these rights away with chown root and chmod, or restart the agent, which does it.");
  }
  if (!isRoot) return doubtful("Not everything can be looked at", 'Run it as root: "sudo reagent doctor".');
  return fine("Only root can change the agent's files");
}

/** The database. */
export function judgeDatabase({ database }: DoctorFacts): Finding {
  switch (database.kind) {
    case "failed":
      return unchecked(database.error);
    case "sound":
      return fine("All pages are sound");
    case "absent":
      return doubtful(`There is no "${database.path}" yet`, "Nothing to do: the agent makes it at its first start.");
    case "unchecked":
      return doubtful(database.why, "Run the command again, as root.");
    case "damaged":
      return broken(
        `"${database.path}": ${database.reason}`,
        "Restart the agent, which sets a damaged database aside and starts with a new one; check the disk.",
      );
  }
}

function judgeFreeSpace(disk: DiskProbe): Finding {
  const { path, freeBytes, totalBytes, isEngine } = disk;
  const text = `${diskSizeText(freeBytes)} of ${diskSizeText(totalBytes)} free at ${path}`;
  const { engineWarnBytes, engineFailBytes, otherWarnBytes, otherFailBytes } = doctorLimits;
  if (freeBytes < (isEngine ? engineFailBytes : otherFailBytes)) {
    const what = isEngine ? "apps are stopped until 3 GiB are free" : "the agent cannot store anything";
    return broken(text, `Free space, because ${what}: remove apps, old logs, or images with "docker image prune -a".`);
  }
  if (freeBytes >= (isEngine ? engineWarnBytes : otherWarnBytes)) return fine(text);
  return doubtful(
    text,
    "Free space before it becomes less than apps need; the agent removes what nobody uses by itself.",
  );
}

function judgeFiles({ path, freeFiles, totalFiles }: DiskProbe): Finding {
  const percent = 100 * freeFiles / totalFiles;
  const text = `${freeFiles} of ${totalFiles} free at ${path}`;
  const advice = 'Find the folder with too many small files ("du --inodes -x / | sort -n | tail") and remove them.';
  if (percent < doctorLimits.inodesFailPercent) return broken(text, advice);
  return percent < doctorLimits.inodesWarnPercent ? doubtful(text, advice) : fine(text);
}

/** The first of the worst. */
function worstOf(findings: readonly Finding[]): Finding | undefined {
  const results = ["fail", "warn", "ok"];
  return [...findings].sort((a, b) => results.indexOf(a.result) - results.indexOf(b.result))[0];
}
