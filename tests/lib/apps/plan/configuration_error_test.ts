import assert from "node:assert/strict";
import { isConfigurationError } from "../../../../lib/apps/plan/configuration_error.ts";
import type { Step } from "../../../../lib/apps/plan/steps.ts";
import { AgentError, type ErrorCode } from "../../../../lib/base/errors.ts";

const create: Step = { kind: "createContainer", tag: "1" };
const output = (last: string) => `Creating container\n${"a line\n".repeat(20)}${last}\n`;

const cases: [name: string, step: Step | undefined, code: ErrorCode, text: string, expected: boolean][] = [
  ["what the engine refuses at the creation", create, "engine_refused", "anything at all", true],
  ["… at the start", { kind: "startContainer" }, "engine_refused", "exec: no such file", true],
  ["… at a pull", { kind: "openPull", tag: "a b" }, "engine_refused", "invalid reference format", true],
  ["… anywhere else", { kind: "verifyImage", tag: "1" }, "engine_refused", "invalid reference format", false],
  ["… before the first step", undefined, "engine_refused", "invalid reference format", false],
  ["… while it is stopped", { kind: "stopContainer", id: "a" }, "engine_refused", "invalid", false],
  ["the text of an engine without that status", create, "engine_failed", "Invalid Mount Config for type bind", true],
  ["a text in the last lines", create, "engine_failed", output("services.web Additional property x"), true],
  ["the same in an earlier line", create, "engine_failed", `no such service\n${output("exit 1")}`, false],
  ["the last lines of compose", create, "compose_failed", "up failed: exit status 15: a; Must be a Mapping; b", true],
  ["an earlier line of compose", create, "compose_failed", "exit status 1: no such service; a; b; c", false],
  ["a port that is in use", create, "port_in_use", "invalid hostPort", false],
  ["an engine that is away", create, "engine_unreachable", "invalid IP address", false],
  ["any other failure", create, "engine_failed", "OCI runtime create failed", false],
];

for (const [name, step, code, text, expected] of cases) {
  Deno.test(`change 2.3: isConfigurationError() of ${name}: ${expected}`, () => {
    assert.equal(isConfigurationError(step, new AgentError(code, text)), expected);
  });
}
