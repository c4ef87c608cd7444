/** A device whose procedures a command calls, as an account or as the backend. */

import { deviceUri } from "../../../lib/backend/uris.ts";
import { isDict } from "../../../lib/base/json.ts";
import type { Session } from "../../../lib/wamp/session.ts";
import type { Arguments } from "./arguments.ts";
import { joinAs } from "./call.ts";
import { memberText, type Server } from "./command.ts";

/** A device, as an account or the backend sees it. */
export interface CalledDevice extends AsyncDisposable {
  session: Session;
  /** The address of one of its procedures or topics. */
  uri(name: string): string;
}

/** The device that the first word names, seen by the account of `--as`. */
export async function reachDevice(server: Server, args: Arguments): Promise<CalledDevice> {
  const account = args.text("as");
  const { device } = await server.callForDict("show_device", { device: args.word(0) });
  const serial = isDict(device) ? memberText(device, "serial") : "";
  const isOwn = account === undefined || account === "system";
  const session = isOwn ? server.session : await joinAs(server, account);
  return { session, uri: (name) => deviceUri(serial, name), [Symbol.asyncDispose]: () => session.close() };
}
