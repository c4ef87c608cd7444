/** A fake device: a plain WAMP client that answers requests and reports what a test wants. */

import type { Invocation, Reply } from "../../lib/wamp/invocations.ts";
import type { Session } from "../../lib/wamp/session.ts";
import { openSession } from "../../scripts/studio/open_session.ts";
import type { AddedDevice, Studio } from "../../scripts/studio/studio.ts";

/** The stats of a status report. */
export const sampleStats = {
  cpu_count: 4,
  cpu_usage: 7.5,
  memory_total: 4_102_000_000,
  memory_used: 900_000_000,
  memory_available: 3_000_000_000,
  storage_total: 31_000_000_000,
  storage_used: 9_000_000_000,
  storage_free: 22_000_000_000,
  docker_apps_total: 0,
  docker_apps_used: 0,
  docker_apps_free: 0,
  docker_apps_mounted: false,
};

/** A connected device. Disposing closes its session. */
export class FakeWampDevice implements AsyncDisposable {
  readonly session: Session;
  readonly device: AddedDevice;
  /** The keyword arguments of all app requests so far, oldest first. */
  readonly requests: Record<string, unknown>[] = [];
  /** Called for each app request after it was recorded. */
  onRequest: (request: Record<string, unknown>) => void | Promise<void> = () => {};

  private constructor(session: Session, device: AddedDevice) {
    this.session = session;
    this.device = device;
  }

  /** Joins the router and registers `request_app_state`, `device_handshake` and `get_app_log_history`. */
  static async join(studio: Pick<Studio, "routerUrl">, device: AddedDevice): Promise<FakeWampDevice> {
    const { authid, secret, serial } = device;
    const session = await openSession({ url: studio.routerUrl, authid, secret });
    const scripted = new FakeWampDevice(session, device);
    await scripted.register("request_app_state", async ({ kwargs }) => {
      scripted.requests.push(kwargs);
      await scripted.onRequest(kwargs);
      return {};
    });
    await scripted.register("device_handshake", () => Promise.resolve({ kwargs: { id: serial } }));
    await scripted.register("get_app_log_history", ({ args }) => {
      return Promise.resolve({ args: [[`history of ${JSON.stringify(args)}`]] });
    });
    return scripted;
  }

  /** Registers another procedure of the device. */
  async register(name: string, handler: (call: Invocation) => Promise<Reply>): Promise<void> {
    await this.session.register(`re.mgmt.${this.device.serial}.${name}`, handler, { forceReregister: true });
  }

  /** Calls the backend and returns the first value of its answer. */
  async call(procedure: string, ...args: unknown[]): Promise<unknown> {
    return (await this.session.call(procedure, args)).args[0];
  }

  /** Reports a status. */
  async reportStatus(status: string): Promise<unknown> {
    return await this.call("reswarm.devices.update_device_status", { ...this.#keys(), ...this.statusOf(status) });
  }

  /** The other members of a status report. */
  statusOf(status: string): Record<string, unknown> {
    return { status, stats: sampleStats, wamp_session_id: this.session.id, tunnel_capable: true };
  }

  /** A complete state report. */
  reportOf(change: Record<string, unknown>): Record<string, unknown> {
    return {
      ...this.#keys(),
      serial_number: this.device.serial,
      app_key: 42,
      stage: "PROD",
      state: "RUNNING",
      device_to_app_key: 0,
      requestor_account_key: 1,
      release_key: 7,
      request_update: false,
      release_build: false,
      updateStatus: "",
      ...change,
    };
  }

  /** Reports a state of an app. */
  async report(change: Record<string, unknown>): Promise<void> {
    await this.call("reswarm.containers.update_app_on_device", this.reportOf(change));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.session.close();
  }

  #keys(): Record<string, unknown> {
    return { swarm_key: this.device.swarmKey, device_key: this.device.deviceKey };
  }
}
