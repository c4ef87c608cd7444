/** The state of the service, in the words of the Windows service of the reference agent. Pure. */

/** The properties that `systemctl show` is asked for. */
export const stateProperties = "LoadState,ActiveState,SubState,MainPID,NeedDaemonReload";

/** What systemd says of the service. */
export interface SystemdState {
  /** systemd knows a unit of this name. */
  isLoaded: boolean;
  activeState: string;
  mainPid: number | undefined;
}

const words: Readonly<Record<string, string>> = {
  active: "running",
  reloading: "running",
  inactive: "stopped",
  failed: "stopped",
  activating: "start pending",
  deactivating: "stop pending",
};

/** Reads the output of `systemctl show`. */
export function readState(text: string): SystemdState {
  const values = new Map(
    text.split("\n").map((line) => {
      const [name = "", ...rest] = line.split("=");
      return [name, rest.join("=").trim()];
    }),
  );
  const pid = Number(values.get("MainPID"));
  return {
    isLoaded: values.get("LoadState") === "loaded",
    activeState: values.get("ActiveState") ?? "",
    mainPid: Number.isInteger(pid) && pid > 0 ? pid : undefined,
  };
}

/** `running`, `stopped`, `start pending`, `stop pending`, or `unknown (…)`. */
export function stateWord({ activeState }: SystemdState): string {
  return words[activeState] ?? `unknown (${activeState})`;
}
