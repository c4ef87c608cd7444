/** `state`: shows a device and its apps. */

import { type Dict, isDict } from "../../../lib/base/json.ts";
import type { Session } from "../../../lib/wamp/session.ts";
import { type Command, connect, formatTable, memberText, type Server } from "./command.ts";
import { readReport } from "./goal.ts";
import { reportLine } from "./serve.ts";

/** The command. */
export const state: Command = {
  name: "state",
  usage: "<device> [--follow SECONDS]",
  summary: "Show a device and its apps, then every report for a number of seconds",
  options: { follow: "one" },
  least: 1,
  most: 1,
  run: async (context, args) => {
    const seconds = args.count("follow", 0);
    await using server = await connect(context);
    const { device, apps } = await showDevice(server, args.word(0));
    const serial = memberText(device, "serial");
    context.print(`${memberText(device, "name")} (${serial}) is ${memberText(device, "status")}`);
    for (const line of appTable(apps)) context.print(line);
    if (seconds === 0) return 0;
    await server.session.subscribe(`studio.reports.${serial}`, (event) => {
      const report = readReport(event.args[0]);
      if (report !== undefined) context.print(reportLine(report));
    });
    await waitForEvents(server.session, seconds);
    return 0;
  },
};

/** A device with its apps, as the Studio shows them. */
export async function showDevice(server: Server, device: string): Promise<{ device: Dict; apps: Dict[] }> {
  const answer = await server.callForDict("show_device", { device });
  return {
    device: isDict(answer.device) ? answer.device : {},
    apps: Array.isArray(answer.apps) ? answer.apps.filter(isDict) : [],
  };
}

function appTable(apps: readonly Dict[]): string[] {
  const names = ["appName", "stage", "current", "target", "presentVersion", "newestVersion", "updateStatus"];
  const rows = apps.map((app) => [...names.map((name) => memberText(app, name)), portsText(app.ports)]);
  return formatTable(["APP", "STAGE", "STATE", "WANTED", "VERSION", "NEWEST", "UPDATE", "PORTS"], rows);
}

function portsText(ports: unknown): string {
  const rules = Array.isArray(ports) ? ports.filter(isDict) : [];
  return rules.map((rule) => `${rule.port}:${rule.protocol}${rule.host_port ? `->${rule.host_port}` : ""}`).join(" ");
}

/** Waits for a number of seconds, or until the Studio stops. */
export async function waitForEvents(session: Session, seconds: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, seconds * 1_000);
  await Promise.race([promise, session.closed]);
  clearTimeout(timer);
}
