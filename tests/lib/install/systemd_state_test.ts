/** The state of the service, in words. */

import assert from "node:assert/strict";
import { readState, stateWord } from "../../../lib/install/systemd_state.ts";

Deno.test("readState() and stateWord() say what systemd says", () => {
  const table: [text: string, isLoaded: boolean, mainPid: number | undefined, word: string][] = [
    ["LoadState=loaded\nActiveState=active\nSubState=running\nMainPID=12\n", true, 12, "running"],
    ["LoadState=loaded\nActiveState=activating\nMainPID=0\n", true, undefined, "start pending"],
    ["LoadState=loaded\nActiveState=deactivating\nMainPID=7\n", true, 7, "stop pending"],
    ["LoadState=loaded\nActiveState=failed\nMainPID=0\n", true, undefined, "stopped"],
    ["LoadState=not-found\nActiveState=inactive\n", false, undefined, "stopped"],
    ["", false, undefined, "unknown ()"],
    ["nonsense\n=\nMainPID=x", false, undefined, "unknown ()"],
  ];
  for (const [text, isLoaded, mainPid, word] of table) {
    const state = readState(text);
    assert.deepEqual([state.isLoaded, state.mainPid, stateWord(state)], [isLoaded, mainPid, word]);
  }
});
