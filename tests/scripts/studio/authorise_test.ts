import assert from "node:assert/strict";
import { authoriseWith } from "../../../scripts/studio/authorise.ts";
import { Session } from "../../../scripts/studio/router/session.ts";
import { startStudio } from "../../../scripts/studio/start_studio.ts";

Deno.test("devices act for themselves, accounts on devices they may use, and only system on the Studio", async () => {
  await using studio = await startStudio();
  studio.addDevice({ name: "edge-1", serial: "SN-1", deviceKey: 345, swarmKey: 12 });
  studio.addDevice({ name: "edge-2", serial: "SN-2", deviceKey: 346, swarmKey: 12 });
  for (const accountKey of [7, 8, 9]) studio.addAccount({ accountKey });
  studio.setPrivileges(7, "edge-1", { privileges: ["READ"] });
  studio.setPrivileges(8, "edge-1", { privileges: ["MAINTAIN"] });
  const authorise = authoriseWith(studio.store);
  const table: [who: string, action: "call" | "publish" | "register" | "subscribe", uri: string, may: boolean][] = [
    ["system", "register", "reswarm.devices.check_privilege", true],
    ["system", "call", "studio.add_device", true],
    ["12-345", "call", "reswarm.devices.check_privilege", true],
    ["12-345", "call", "re.tunnel.expose_port", true],
    ["12-345", "call", "wamp.session.add_testament", true],
    ["12-345", "call", "studio.account_login", false],
    ["12-345", "call", "re.mgmt.SN-2.execute_cmd", false],
    ["12-345", "register", "re.mgmt.SN-1.execute_cmd", true],
    ["12-345", "register", "re.mgmt.SN-2.execute_cmd", false],
    ["12-345", "register", "reswarm.devices.check_privilege", false],
    ["12-345", "publish", "reswarm.logs.SN-1.prod_42_shop", true],
    ["12-345", "publish", "reswarm.logs.SN-2.prod_42_shop", false],
    ["12-345", "publish", "reswarm.api.testament_device", false],
    ["12-345", "subscribe", "wamp.subscription.on_create", true],
    ["12-345", "publish", "wamp.subscription.on_create", false],
    ["12-345", "subscribe", "re.mgmt.SN-1.term_write.1", true],
    ["12-345", "subscribe", "studio.reports.SN-1", false],
    ["7", "call", "re.mgmt.SN-1.get_images", true],
    ["7", "call", "re.mgmt.SN-1.request_app_state", false],
    ["7", "subscribe", "reswarm.logs.SN-1.prod_42_shop", true],
    ["7", "publish", "re.mgmt.SN-1.term_write.1", true],
    ["7", "register", "re.mgmt.SN-1.get_images", false],
    ["7", "register", "browser.of.ada", true],
    ["7", "call", "re.mgmt.SN-2.get_images", false],
    ["7", "call", "studio.account_login", false],
    ["7", "call", "reswarm.devices.get_app_cred_key", false],
    ["8", "call", "re.mgmt.SN-1.request_app_state", true],
    ["9", "call", "re.mgmt.SN-1.get_images", false],
    ["1", "call", "re.mgmt.SN-2.request_app_state", true],
  ];
  for (const [authid, action, uri, may] of table) {
    const authrole = authid === "system" ? "system" : authid.includes("-") ? "device" : "account";
    const session = new Session({ id: 1, realm: "realm1", authid, authrole, roles: {}, send: () => {} });
    assert.equal(authorise({ session, action, uri }), may, `${authid} ${action} ${uri}`);
  }
});
