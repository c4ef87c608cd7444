import assert from "node:assert/strict";
import { debugVariables, removeDebugVariables } from "../../../lib/host/debug_variables.ts";
import { projectRoot } from "../../../scripts/paths.ts";

const secret = "hunter2-hunter2";

/** Sends the secret as autobahn, dockerode and the runtime would, after `first` has run. */
function program(first: string): string {
  return `${first}
    const { Session } = await import("autobahn/lib/session.js");
    const defer = () => ({ ...Promise.withResolvers(), notify() {} });
    const socket = { send() {}, close() {} };
    const session = new Session(socket, defer, () => "${secret}");
    session.join("realm1", ["wampcra"], "1-1");
    socket.onmessage([4, "wampcra", { challenge: "${secret}" }]);
    const { default: Docker } = await import("dockerode");
    const modem = new Docker({ host: "127.0.0.1", port: 9, protocol: "http" }).modem;
    const call = { method: "GET", path: "/x?", options: {}, authconfig: { base64: "${secret}" }, statusCodes: {} };
    await new Promise((resolve) => modem.dial(call, resolve));`;
}

async function run(first: string, folder: string): Promise<string> {
  const output = await new Deno.Command(Deno.execPath(), {
    args: ["eval", program(first)],
    cwd: projectRoot,
    env: {
      AUTOBAHN_TRACE: `${folder}/trace`,
      AUTOBAHN_DEBUG: "1",
      DEBUG: "*",
      NODE_DEBUG: "http,https,net,tls",
    },
    stdin: "null",
  }).output();
  const printed = new TextDecoder().decode(output.stdout) + new TextDecoder().decode(output.stderr);
  // The runtime warns of the variable before any code runs.
  const text = printed.replace(/^Setting the NODE_DEBUG environment variable.*\n/m, "");
  assert.ok(output.success, text);
  const files = await Array.fromAsync(Deno.readDir(folder), ({ name }) => name);
  return text + files.join();
}

Deno.test("#13: variables that make packages print every message or header are removed before they are read", async () => {
  const folder = await Deno.makeTempDir({ prefix: "v-" });
  try {
    const url = JSON.stringify(`file://${projectRoot}lib/host/debug_variables.ts`);
    const quiet = await run(`(await import(${url})).removeDebugVariables(Deno.env);`, folder);
    assert.equal(quiet, "");
    const loud = await run("", folder);
    assert.ok(loud.split(secret).length >= 4 && loud.includes("trace"), loud);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("removeDebugVariables() leaves other variables", () => {
  const variables = new Map([...debugVariables.map((name) => [name, ""] as const), ["HOME", "/root"]]);
  removeDebugVariables({ get: (name) => variables.get(name), delete: (name) => void variables.delete(name) });
  assert.deepEqual([...variables], [["HOME", "/root"]]);
});
