/** What the areas of the agent have in common. */

import type { Backend } from "../backend/backend.ts";
import type { LazyBus } from "../dbus/dbus.ts";
import type { Link } from "../wamp/link.ts";
import type { Wire } from "../wamp/wire.ts";
import type { Foundation } from "./foundation.ts";

/** The connection to Studio. */
export interface StudioConnection {
  /** Undefined when the agent is to stay offline. */
  link: Link | undefined;
  wire: Wire;
  backend: Backend;
}

/** What areas are created with. */
export interface Site {
  foundation: Foundation;
  connection: StudioConnection;
  bus: LazyBus;
  /** Ends the areas in reverse order. */
  stack: AsyncDisposableStack;
}
