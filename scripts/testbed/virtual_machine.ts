/**
 * Runs a command on a virtual machine with simulated radios. The machine has the programs and the files of this one;
 * what it writes there is gone with it. Its processor is emulated: programs take about five times as long.
 */

import { readTextIfThere } from "../files.ts";
import { quoteForShell, runProgram } from "../programs.ts";
import { requireBox } from "./box.ts";
import { partsFolder } from "./setup/folder.ts";

/** What runs on the machine. */
export interface MachineOptions {
  command: readonly string[];
  cwd: string;
  env: Readonly<Record<string, string>>;
  /** The number of radios: `wlan0`, `wlan1`, … */
  radios: number;
  /** A folder that the machine has as `/mnt`; the only one in which something is left of it. */
  folder: string;
}

/** How the command ended. */
export interface MachineOutcome {
  code: number;
  /** What it printed, errors included. */
  output: string;
}

/** Then the machine is switched off. */
const limitSeconds = 600;

const memoryMb = 1_536;

/** Gives way to other programs, but no further where everything here does. */
const gently = 'own=$(nice); exec nice -n $((own < 5 ? 5 - own : 0)) "$@"';

/** A machine is as private as a box, so that real parts may be started on it. */
const privateFolder = "/run/box";

/** Boots a machine, runs the command, and switches it off. Throws when it does not boot, or does not end in time. */
export async function runOnMachine(options: MachineOptions): Promise<MachineOutcome> {
  requireBox();
  const { folder, radios } = options;
  await Deno.writeTextFile(`${folder}/start`, startScript(options));
  const { machine } = partsFolder();
  const shared = (path: string, tag: string) => `local,path=${path},mount_tag=${tag},security_model=none`;
  // The clock of the machine follows its processor: on a busy host the time-outs of its programs are not shorter.
  const args = [
    ...["-M", "q35", "-cpu", "max", "-accel", "tcg,thread=single", "-icount", "shift=1,sleep=on", "-rtc", "clock=vm"],
    ...["-m", `${memoryMb}`],
    ...["-nodefaults", "-no-reboot", "-display", "none", "-serial", "stdio"],
    ...["-kernel", `${machine}/vmlinuz`, "-initrd", `${machine}/initrd`],
    ...["-append", `console=ttyS0 quiet panic=-1 radios=${radios}`],
    ...["-virtfs", `${shared("/", "root")},readonly=on,multidevs=remap`, "-virtfs", shared(folder, "shared")],
  ];
  const limit = ["timeout", "--kill-after=5", `${limitSeconds}`];
  const { code, stdout, stderr } = await runProgram("sh", [
    "-c",
    gently,
    "sh",
    ...limit,
    "qemu-system-x86_64",
    ...args,
  ]);
  const ended = await readTextIfThere(`${folder}/code`);
  const output = await readTextIfThere(`${folder}/output`) ?? "";
  if (ended !== undefined) return { code: Number(ended), output };
  const why = code === 124 ? `it has not ended after ${limitSeconds} s` : `the emulator ended with code ${code}`;
  throw new Error(`The machine with radios did not do its work: ${why}\n${lastLines(stdout + stderr + output)}`);
}

/** The first script of the machine, which is also its last. */
function startScript({ command, cwd, env }: MachineOptions): string {
  const own = {
    PATH: `${Deno.env.get("PATH")}:/usr/sbin:/sbin`,
    HOME: Deno.env.get("HOME") ?? "/root",
    TMPDIR: privateFolder,
    REAGENT_BOX: "1",
    REAGENT_BOX_FOLDER: privateFolder,
    REAGENT_BOX_CGROUP: "/none",
  };
  const variables = Object.entries({ ...own, ...env }).map(([name, value]) => `export ${name}=${quoteForShell(value)}`);
  return [
    "exec >/mnt/output 2>&1",
    ...variables,
    "mount -t sysfs sysfs /sys",
    "mount -t tmpfs -o mode=755 run /run",
    "mkdir -p /dev/pts",
    "mount -t devpts devpts /dev/pts",
    `mkdir ${privateFolder}`,
    "ip link set lo up",
    `cd ${quoteForShell(cwd)}`,
    command.map(quoteForShell).join(" "),
    "echo $? >/mnt/code",
    "sync",
    "exec busybox poweroff -f",
    "",
  ].join("\n");
}

function lastLines(text: string): string {
  return text.trim().split("\n").slice(-30).join("\n");
}
