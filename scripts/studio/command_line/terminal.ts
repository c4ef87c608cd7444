/** `terminal`: opens a shell on a device, or in the container of an app, in the operator's own terminal. */

import { deviceUri } from "../../../lib/backend/uris.ts";
import { AgentError } from "../../../lib/base/errors.ts";
import { type Dict, isDict } from "../../../lib/base/json.ts";
import { containerNameOf } from "../../../lib/model/app_names.ts";
import type { Session } from "../../../lib/wamp/session.ts";
import { joinAs } from "./call.ts";
import { type Command, connect, memberText } from "./command.ts";
import { OperatorTerminal } from "./operator_terminal.ts";
import { showDevice } from "./watch.ts";

/** The command. */
export const terminal: Command = {
  name: "terminal",
  usage: "<device> [app] [--service NAME] [--stage PROD] [--container NAME] [--as ACCOUNT]",
  summary: "Open a shell on a device, or in a container; it ends with the shell",
  options: { service: "one", stage: "one", container: "one", as: "one" },
  least: 1,
  most: 2,
  run: async (context, args) => {
    const account = args.text("as");
    await using server = await connect(context);
    const { device, apps } = await showDevice(server, args.word(0));
    const app = args.words[1];
    const container = app === undefined ? args.text("container") : findApp(apps, app, args.text("stage") ?? "PROD");
    const service = args.text("service");
    const session = account === undefined || account === "system" ? server.session : await joinAs(server, account);
    try {
      const open = { serial: memberText(device, "serial"), container: withService(container, service) };
      await show(session, open);
    } finally {
      await session.close();
    }
    return 0;
  },
};

/** What a shell is opened in: a container, or the device itself. */
interface Place {
  serial: string;
  container: string | undefined;
}

/** The bytes that a device sends behind the last output of a shell. */
const endText = "TERMINAL_EOF";

function findApp(apps: readonly Dict[], name: string, stage: string): string {
  const found = apps.find((app) => {
    return memberText(app, "appName").toLowerCase() === name.toLowerCase() && memberText(app, "stage") === stage;
  });
  if (found === undefined) throw new AgentError("bad_request", `The device has no app "${name}" (${stage})`);
  const id = { appKey: Number(found.appKey), stage: stage === "DEV" ? "DEV" as const : "PROD" as const };
  return containerNameOf({ id, appName: memberText(found, "appName") });
}

function withService(container: string | undefined, service: string | undefined): string | undefined {
  return container === undefined || service === undefined ? container : `${container}-${service}`;
}

/** Connects the operator's terminal to a shell until that ends. Throws when the connection is lost before. */
async function show(session: Session, place: Place): Promise<void> {
  const topics = await open(session, place);
  const own = new OperatorTerminal();
  const ended = Promise.withResolvers<void>();
  const isBytes = place.container !== undefined;
  await session.subscribe(topics.dataTopic, ({ args: [part] }) => {
    const bytes = typeof part !== "string"
      ? new Uint8Array()
      : isBytes
      ? Uint8Array.fromBase64(part)
      : new TextEncoder().encode(part);
    if (new TextDecoder().decode(bytes) === endText) ended.resolve();
    else own.write(bytes);
  });
  session.closed.then(() => ended.reject(new AgentError("not_connected", "The connection to the Studio is lost")));
  try {
    if (isBytes) await call(session, { ...place, name: "start_terminal_session" }, { sessionID: topics.sessionID });
    own.begin({
      onInput: (text) => session.publish(topics.writeTopic, [text]),
      onSize: async (size) => {
        await session.call(topics.resizeTopic, [size]);
      },
      // Of a terminal on the device nobody need say so: another call opens the same again.
      onClose: async () => {
        if (isBytes) await call(session, { ...place, name: "stop_terminal_session" }, { sessionID: topics.sessionID });
        ended.resolve();
      },
    });
    await ended.promise;
  } finally {
    own.end();
  }
}

async function open(session: Session, place: Place): Promise<Record<"sessionID" | Topic, string>> {
  const answer = place.container === undefined
    ? await call(session, { ...place, name: "init_device_terminal" })
    : await call(session, { ...place, name: "request_terminal_session" }, { containerName: place.container });
  const dict = isDict(answer) ? answer : {};
  const text = (name: string) => memberText(dict, name);
  return {
    sessionID: text("sessionID"),
    dataTopic: text("dataTopic"),
    writeTopic: text("writeTopic"),
    resizeTopic: text("resizeTopic"),
  };
}

type Topic = "dataTopic" | "writeTopic" | "resizeTopic";

async function call(session: Session, procedure: { serial: string; name: string }, argument?: Dict): Promise<unknown> {
  const args = argument === undefined ? [] : [argument];
  return (await session.call(deviceUri(procedure.serial, procedure.name), args, { timeoutMs: 90_000 })).args[0];
}
