/**
 * A program that does nothing but answer `bench.echo`: what a call costs without an agent. It is started with URL, authid and secret
 * for the router, and ends when its input does.
 */

import { openSession } from "../studio/connection.ts";

/** What it answers. */
export const echoUri = "bench.echo";

const root = new URL("../..", import.meta.url).pathname;

/** Starts it and waits until it can be called; disposing ends it. */
export async function startBareCallee(
  login: { url: string; authid: string; secret: string },
): Promise<AsyncDisposable> {
  const command = ["run", "--no-prompt", "-P=tools", "--quiet", "--no-check", import.meta.filename ?? ""];
  const child = new Deno.Command(Deno.execPath(), {
    args: [...command, login.url, login.authid, login.secret],
    cwd: root,
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const reader = child.stdout.getReader();
  const end = async () => {
    await child.stdin.close();
    await reader.cancel();
    await child.status;
  };
  const { done } = await reader.read();
  if (!done) return { [Symbol.asyncDispose]: end };
  await end();
  throw new Error("The bare program has ended");
}

if (import.meta.main) {
  const [url = "", authid = "", secret = ""] = Deno.args;
  const session = await openSession({ url, authid, secret });
  await session.register(echoUri, () => Promise.resolve({ args: ["here"] }));
  Deno.stdout.writeSync(new TextEncoder().encode("ready\n"));
  await Deno.stdin.readable.pipeTo(new WritableStream());
  await session.close();
}
