/** Creates the data folder of an app with some files, for tests that need another process. */

import { DataFolder } from "../../../../lib/apps/container/data_folder.ts";

const [appsDir = ""] = Deno.args;
const folder = new DataFolder({ appsDir }, { id: { appKey: 7, stage: "PROD" }, appName: "Fan_Ctl" });
const rule = {
  main: false,
  name: "",
  active: true,
  public: false,
  port: 502,
  protocol: "tcp",
  localIp: "",
  remotePortEnvironment: "",
  remotePort: 9000,
  hostPort: 0,
  cloudRemotePort: 0,
  reservedHostPort: 0,
  reservedRemotePort: 0,
  reservationError: "",
  extra: {},
} as const;
await folder.writeEnv([{ name: "A", value: "1" }]);
await folder.refreshPorts([rule]);
