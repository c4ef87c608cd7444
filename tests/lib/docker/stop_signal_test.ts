import assert from "node:assert/strict";
import { stopSignalNumber } from "../../../lib/docker/stop_signal.ts";

Deno.test("#8: stopSignalNumber() reads names, numbers and real-time signals as the engine does", () => {
  const cases: [text: string, expected: number][] = [
    ...["", "SIGTERM", "TERM", "sigterm", "15", " 15 "].map((text): [string, number] => [text, 15]),
    ...["SIGQUIT", "quit", "3"].map((text): [string, number] => [text, 3]),
    ["SIGINT", 2],
    ["SIGHUP", 1],
    ["USR1", 10],
    ["SIGUSR2", 12],
    ["SIGWINCH", 28],
    ["SIGPWR", 30],
    ["SIGSYS", 31],
    ["SIGKILL", 9],
    ["SIGIOT", 6],
    ["SIGPOLL", 29],
    ...["SIGRTMIN", "RTMIN", "rtmin+0", "34"].map((text): [string, number] => [text, 34]),
    ...["SIGRTMIN+3", "RTMIN+3", "sigrtmin+3", "37"].map((text): [string, number] => [text, 37]),
    ["SIGRTMAX", 64],
    ["RTMAX-2", 62],
    ...["SIGNOTHING", "RTMIN+", "0", "65", "-3", "3x", "SIG"].map((text): [string, number] => [text, 15]),
  ];
  for (const [text, expected] of cases) assert.equal(stopSignalNumber(text), expected, text);
});
