/**
 * The file in which the agent and the start guard tell each other how far the switch to a new version has come: lines
 * of `key=value` that a shell can read. Whether a version is on probation is not said here but by the link to the
 * version before; so a file that is lost or damaged costs only the counters and the reason.
 */

/** `trial`: the new version is on probation, or was. `rolledBack`: the version before was put in its place again. */
export type ActivationPhase = "trial" | "rolledBack";

/** What a new version must have reached to be taken for good: as much as the one before had, no more. */
export type ActivationNeed = "connection" | "engine" | "database";

/** The content of the file. */
export interface ActivationState {
  phase: ActivationPhase;
  from: string;
  to: string;
  needs: ActivationNeed;
  /** Starts of the new version on this boot of the machine. */
  starts: number;
  /** Boots of the machine with it. */
  boots: number;
  /** The boot that `starts` and `begun` belong to. */
  boot: string;
  /** The first start on this boot, in seconds of the machine's uptime. */
  begun: number;
  /** It has reached what it needs. */
  isConnected: boolean;
  /** Why it was rolled back; empty otherwise. */
  why: string;
}

const phaseNames: readonly ActivationPhase[] = ["trial", "rolledBack"];
const needNames: readonly ActivationNeed[] = ["connection", "engine", "database"];

/** A switch from one version to another that has not begun yet. */
export function newActivation(
  { from, to, needs }: Pick<ActivationState, "from" | "to" | "needs">,
): ActivationState {
  return { phase: "trial", from, to, needs, starts: 0, boots: 0, boot: "", begun: 0, isConnected: false, why: "" };
}

/** The text of the file. Values lose their line breaks. */
export function encodeActivation(state: ActivationState): string {
  const { phase, from, to, needs, starts, boots, boot, begun, isConnected, why } = state;
  const connected = isConnected ? "yes" : "no";
  const lines = { format: 1, phase, from, to, needs, starts, boots, boot, begun, connected, why, end: "yes" };
  return Object.entries(lines).map(([key, value]) => `${key}=${String(value).replace(/[\r\n\0]+/g, " ")}\n`).join("");
}

/** Reads the text of the file. Undefined when it is not whole or not such a file. */
export function decodeActivation(text: string): ActivationState | undefined {
  const values = new Map(text.slice(0, 4_096).split("\n").map((line) => splitPair(line)));
  const phase = phaseNames.find((name) => name === values.get("phase"));
  if (phase === undefined || values.get("end") !== "yes") return undefined;
  return {
    phase,
    from: values.get("from") ?? "",
    to: values.get("to") ?? "",
    needs: needNames.find((name) => name === values.get("needs")) ?? "connection",
    starts: readCounter(values.get("starts")),
    boots: readCounter(values.get("boots")),
    boot: values.get("boot") ?? "",
    begun: readCounter(values.get("begun")),
    isConnected: values.get("connected") === "yes",
    why: values.get("why") ?? "",
  };
}

function splitPair(line: string): [key: string, value: string] {
  const at = line.indexOf("=");
  return at < 0 ? ["", ""] : [line.slice(0, at), line.slice(at + 1)];
}

/** As the guard reads it. */
function readCounter(text = ""): number {
  return /^(0|[1-9]\d{0,8})$/.test(text) ? Number(text) : 0;
}
