/** The Windows service: steps, command lines, and what programs of Windows print. */

import assert from "node:assert/strict";
import { describeStep } from "../../../lib/install/install_step.ts";
import {
  planWindowsInstall,
  planWindowsUninstall,
  quoteWindowsWord,
  readServiceCommand,
  repairScript,
  splitWindowsLine,
  windowsStateWord,
} from "../../../lib/install/windows_plan.ts";

const folder = "C:\\ProgramData\\IronFlock\\Reagent";

const input = {
  settings: {
    config: `${folder}\\device.flock`,
    agentDir: folder,
    appsDir: `${folder}\\apps`,
    dbFileName: `${folder}\\reagent.db`,
    logFile: `${folder}\\reagent.log`,
    otherFlags: [],
  },
  programPath: "C:\\Users\\me\\reagent.exe",
  givenConfig: "C:\\Users\\me\\pump.flock",
  proxy: {},
  certificates: [],
  isNoStart: false,
};

Deno.test("planWindowsInstall() closes the folder before anything is in it, and only warns once the service exists", () => {
  const steps = planWindowsInstall(input);
  const created = steps.findIndex((step) => step.kind === "run" && step.command[1] === "create");
  assert.deepEqual(steps.slice(0, created + 1).map(describeStep), [
    `make the folder ${folder}`,
    `make the folder ${folder}\\apps`,
    `run icacls ${folder} /inheritance:r /grant:r *S-1-5-18:(OI)(CI)F *S-1-5-32-544:(OI)(CI)F`,
    `run icacls ${folder}\\apps /grant *S-1-5-32-545:(OI)(CI)M`,
    `copy C:\\Users\\me\\reagent.exe to ${folder}\\reagent.exe`,
    `copy C:\\Users\\me\\pump.flock to ${folder}\\device.flock`,
    `write ${folder}\\repair.cmd`,
    `run sc.exe create reagent binPath= ${folder}\\reagent.exe -config ${folder}\\device.flock -agentDir ${folder} ` +
    `-appsDir ${folder}\\apps -dbFileName ${folder}\\reagent.db -logFile ${folder}\\reagent.log ` +
    "start= delayed-auto obj= LocalSystem DisplayName= IronFlock Device Agent",
  ]);
  for (const step of steps.slice(created + 1)) {
    assert.ok(step.kind === "awaitRunning" || (step.kind === "run" && step.warning !== undefined), describeStep(step));
  }
  const rest = steps.slice(created + 1).map(describeStep);
  assert.equal(rest[0], "run sc.exe failure reagent reset= 86400 actions= restart/5000/restart/30000/restart/120000");
  assert.ok(
    rest.includes(
      `run schtasks /create /tn IronFlock Agent Repair /sc ONSTART /ru SYSTEM /tr "${folder}\\repair.cmd" /f`,
    ),
  );
  assert.deepEqual(rest.slice(-2), ["run sc.exe start reagent", "wait until it runs"]);
});

Deno.test("planWindowsInstall() leaves out copies onto themselves, and the start", () => {
  const own = { programPath: `${folder}\\REAGENT.exe`, givenConfig: `${folder}\\device.flock`, isNoStart: true };
  const lines = planWindowsInstall({ ...input, ...own, proxy: { HTTP_PROXY: "http://p:1", NO_PROXY: "localhost" } })
    .map(describeStep);
  assert.ok(!lines.some((line) => /^copy|start reagent|wait/.test(line)));
  assert.ok(lines.some((line) => line.includes("REG_MULTI_SZ /d HTTP_PROXY=http://p:1\\0NO_PROXY=localhost /f")));
});

Deno.test("planWindowsUninstall() undoes every change outside the agent's folder", () => {
  const undo = planWindowsUninstall({ agentDir: folder, certificateNames: ["IronFlock Code Signing Root"] });
  assert.deepEqual(undo.map(describeStep), [
    "run sc.exe stop reagent",
    "run sc.exe delete reagent",
    "run reg delete HKLM\\SYSTEM\\CurrentControlSet\\Services\\EventLog\\Application\\reagent /f",
    "run schtasks /delete /tn IronFlock Agent Repair /f",
    `run powershell -NoProfile -Command Remove-MpPreference -ExclusionPath '${folder}\\frpc.exe'`,
    "run certutil -delstore Root IronFlock Code Signing Root",
    "run certutil -delstore TrustedPublisher IronFlock Code Signing Root",
  ]);
});

Deno.test("repairScript() ends its lines as Windows does, and keeps percent signs", () => {
  const text = repairScript("C:\\100%\\x");
  assert.equal(text.replaceAll("\r\n", "").includes("\n"), false);
  assert.match(text, /cd \/d "C:\\100%%\\x"\r\n/);
  assert.match(text, /sc start reagent\r\n$/);
});

Deno.test("quoteWindowsWord() writes what splitWindowsLine() reads", () => {
  const table: [word: string, wanted: string][] = [
    ["a", "a"],
    ["C:\\a\\", "C:\\a\\"],
    ["C:\\my agent\\", '"C:\\my agent\\\\"'],
    ['a"b', '"a\\"b"'],
    ['a\\"b c', '"a\\\\\\"b c"'],
    ["", '""'],
  ];
  for (const [word, wanted] of table) assert.equal(quoteWindowsWord(word), wanted);
  const words = table.map(([word]) => word);
  assert.deepEqual(splitWindowsLine(words.map(quoteWindowsWord).join("  ")), words);
});

Deno.test("what sc.exe prints is read", () => {
  const line = '"C:\\Program Files\\reagent.exe" -agentDir "D:\\my data" -update=false';
  const words = ["C:\\Program Files\\reagent.exe", "-agentDir", "D:\\my data", "-update=false"];
  const text =
    `\r\nSERVICE_NAME: reagent\r\n        TYPE : 10\r\n        BINARY_PATH_NAME   : ${line}\r\n        TAG : 0\r\n`;
  assert.deepEqual(readServiceCommand(text), words);
  assert.deepEqual(readServiceCommand(""), []);
  assert.equal(windowsStateWord("        STATE              : 4  RUNNING \r\n"), "running");
  assert.equal(windowsStateWord("        STATE              : 3  STOP_PENDING"), "stop pending");
  assert.equal(windowsStateWord("        STATE              : 9  X"), "unknown (9)");
  assert.equal(windowsStateWord(""), "unknown (0)");
});
