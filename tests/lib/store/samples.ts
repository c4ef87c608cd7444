/** What the store tests share: a folder of their own, a log that can be read, a request. */

import type { AppRequest, PortRule } from "../../../lib/model/app.ts";
import type { Log } from "../../../lib/base/log.ts";
import { silentLog } from "../../../lib/base/log.ts";
import { Database } from "../../../lib/store/database.ts";

/** A temporary folder that is removed at the end of the scope. */
export class Folder implements Disposable {
  readonly path = Deno.makeTempDirSync({ prefix: "store" });

  file(name = "reagent.db"): string {
    return `${this.path}/${name}`;
  }

  open(log: Log = silentLog): Database {
    return Database.open(this.file(), { log });
  }

  [Symbol.dispose](): void {
    Deno.removeSync(this.path, { recursive: true });
  }
}

/** A log that keeps its warnings. */
export function warningsLog(): Log & { warnings: string[] } {
  const warnings: string[] = [];
  return {
    ...silentLog,
    warnings,
    warn: (message, fields) => warnings.push(`${message} ${fields?.error ?? JSON.stringify(fields)}`),
  };
}

const sampleRule: PortRule = {
  main: true,
  name: "ui",
  active: true,
  public: false,
  port: 8080,
  protocol: "tcp",
  localIp: "",
  remotePortEnvironment: "UI_PORT",
  remotePort: 4711,
  hostPort: 31003,
  cloudRemotePort: 0,
  reservedHostPort: 0,
  reservedRemotePort: 0,
  reservationError: "",
  extra: { note: "kept" },
};

/** A PROD request with every field set. */
export function sampleRequest(change: Partial<AppRequest> = {}): AppRequest {
  return {
    appKey: 71,
    stage: "PROD",
    appName: "Fan_Ctl",
    target: "RUNNING",
    current: "PRESENT",
    requestorAccountKey: 5,
    deviceOwnerAccountKey: 9,
    releaseKey: 12,
    newReleaseKey: 13,
    version: "2.0.0",
    presentVersion: "1.2.0",
    newestVersion: "1.3.0",
    requestUpdate: true,
    cancelTransition: false,
    environment: { SPEED: { value: 7 } },
    environmentTemplate: { SPEED: { defaultValue: "5" } },
    ports: [sampleRule],
    otherPorts: [],
    dockerCompose: null,
    newDockerCompose: { services: { web: { image: "x" } } },
    dockerCredentials: { "registry.example.com": { username: "u", password: "p" } },
    instanceKey: 3,
    appCredEpoch: 4,
    ...change,
  };
}
