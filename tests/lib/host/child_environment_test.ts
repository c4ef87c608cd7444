import assert from "node:assert/strict";
import { childEnvironment } from "../../../lib/host/child_environment.ts";
import { runCommand } from "../../../lib/host/command.ts";

Deno.test("#13: childEnvironment() passes on what programs need, and no secret of the agent", () => {
  const passed = { PATH: "/bin", HOME: "/root", LC_ALL: "C", DOCKER_HOST: "unix:///x", TZ: "UTC", SystemRoot: "C:" };
  const kept = { HTTPS_PROXY: "http://u:p@proxy", DOCKER_AUTH_CONFIG: "{}", DEVICE_SECRET: "x", NOTIFY_SOCKET: "/x" };
  assert.deepEqual(childEnvironment({ ...passed, ...kept }), passed);
});

Deno.test("#13: a program that the agent runs does not see other variables of the agent", async () => {
  Deno.env.set("REAGENT_TEST_SECRET", "hunter22");
  try {
    const signal = new AbortController().signal;
    const { stdout } = await runCommand("env", [], { signal, timeoutMs: 10_000, env: { EXTRA: "x" } });
    assert.match(stdout, /^EXTRA=x$/m);
    assert.match(stdout, /^PATH=/m);
    assert.doesNotMatch(stdout, /hunter22/);
  } finally {
    Deno.env.delete("REAGENT_TEST_SECRET");
  }
});
