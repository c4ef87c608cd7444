/** RAUC, the updater of the operating system, on the system bus. Source: its reference, "D-Bus API". No decisions. */

import { type BusDict, busVariant, readBusDict, readBusList, readBusNumber, readBusText } from "./bus_values.ts";
import type { SystemBus } from "./system_bus.ts";

/** How far an installation is. */
export interface RaucProgress {
  percent: number;
  /** What is done, for people. */
  message: string;
  /** How deep the step is nested; the whole installation is 1. */
  depth: number;
}

/** What RAUC does, and how it ended last. */
export interface RaucState {
  /**
   * `idle` or `installing`. Not reliable: a second call that is refused sets it to `idle` while the first one goes on
   * (seen with version 1.8).
   */
  operation: string;
  /** Empty when the last installation went well, and while one runs. */
  lastError: string;
  progress: RaucProgress;
  /** Which of its systems has been started. */
  bootSlot: string;
}

/** What is told about an installation. */
export interface RaucEvents {
  /** It has ended, with 0 if it went well. */
  onCompleted(code: number): void;
  /** RAUC or the bus has gone. */
  onGone(): void;
}

const installer = { destination: "de.pengutronix.rauc", path: "/", interface: "de.pengutronix.rauc.Installer" };

/** The first call may start the service. */
export const raucAnswerMs = 30_000;

/** RAUC. All methods throw like `SystemBus.call()`. */
export class Rauc {
  readonly #bus: SystemBus;

  constructor(bus: SystemBus) {
    this.#bus = bus;
  }

  /** What it does now. Starts it where systemd does that. */
  async readState(signal: AbortSignal): Promise<RaucState> {
    const where = "the state of RAUC";
    const call = {
      ...installer,
      interface: "org.freedesktop.DBus.Properties",
      member: "GetAll",
      limitMs: raucAnswerMs,
    };
    const [answer] = await this.#bus.call({ ...call, signature: "s", args: [installer.interface] }, signal);
    const values: BusDict = readBusDict(answer, where);
    const [percent, message, depth] = readBusList(values.get("Progress"), where);
    return {
      operation: readBusText(values.get("Operation"), where),
      lastError: readBusText(values.get("LastError"), where),
      progress: {
        percent: readBusNumber(percent, where),
        message: readBusText(message, where),
        depth: readBusNumber(depth, where),
      },
      bootSlot: readBusText(values.get("BootSlot") ?? "", where),
    };
  }

  /** Starts the installation of a bundle that is made for this system. Returns at once. */
  async install(path: string, signal: AbortSignal): Promise<void> {
    const options = new Map([["ignore-compatible", busVariant("b", false)]]);
    const call = { ...installer, member: "InstallBundle", signature: "sa{sv}", limitMs: raucAnswerMs };
    await this.#bus.call({ ...call, args: [path, options] }, signal);
  }

  /** Reports the end of installations, and the end of RAUC, until it is disposed. */
  async watch({ onCompleted, onGone }: RaucEvents): Promise<AsyncDisposable> {
    const { destination: sender, path, interface: name } = installer;
    await using stack = new AsyncDisposableStack();
    stack.use(
      await this.#bus.subscribe({ sender, path, interface: name, member: "Completed" }, ({ args }) => {
        onCompleted(readBusNumber(args[0], "the result of RAUC"));
      }),
    );
    stack.use(await this.#bus.watchName(sender, (hasOwner) => hasOwner || onGone()));
    return stack.move();
  }
}
