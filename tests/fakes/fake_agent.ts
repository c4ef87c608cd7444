/** A fake agent for the tests of `agent_process.ts`: logs, prints, and ends on TERM. */

const value = (name: string) => Deno.args[Deno.args.indexOf(name) + 1] ?? "";
const log = (message: string, fields: object = {}) => {
  const line = JSON.stringify({ level: "info", ...fields, time: "2026-01-02T03:04:05Z", message });
  Deno.writeTextFileSync(value("-logFile"), `${line}\n`, { append: true, create: true });
};

if (Deno.args.includes("-refuse")) {
  await Deno.stderr.write(new TextEncoder().encode("I refuse\n"));
  Deno.exit(1);
}
Deno.addSignalListener("SIGTERM", () => {
  log("stopping");
  Deno.exit(0);
});
await Deno.stdout.write(new TextEncoder().encode(`reading ${value("-config")}\n`));
log("started", { caller: "sample.ts:1", secret: JSON.parse(await Deno.readTextFile(value("-config"))).secret });
Deno.writeTextFileSync(value("-logFile"), "no JSON\n", { append: true });
log(`docker at ${Deno.env.get("DOCKER_HOST")}`);
setInterval(() => {}, 1_000);
