import assert from "node:assert/strict";
import { authoriseWith } from "../../../scripts/studio/authorise.ts";
import type { Match } from "../../../scripts/studio/router/uri_match.ts";
import { Session } from "../../../scripts/studio/router/session.ts";
import { startStudio } from "../../../scripts/studio/start_studio.ts";
import type { Studio } from "../../../scripts/studio/studio.ts";

type Row = [who: string, action: "call" | "publish" | "register" | "subscribe", uri: string, may: boolean, Match?];

/** Two devices; account 1 owns both. On the first, 7 may read, 8 maintain, 9 nothing, and 10 develop and read. */
async function startCrowd(): Promise<Studio> {
  const studio = await startStudio();
  studio.addDevice({ name: "edge-1", serial: "SN-1", deviceKey: 345, swarmKey: 12 });
  studio.addDevice({ name: "edge-2", serial: "SN-10", deviceKey: 346, swarmKey: 12 });
  for (const accountKey of [7, 8, 9, 10]) studio.addAccount({ accountKey });
  studio.setPrivileges(7, "edge-1", { privileges: ["READ"] });
  studio.setPrivileges(8, "edge-1", { privileges: ["MAINTAIN"] });
  studio.setPrivileges(10, "edge-1", { privileges: ["READ", "DEVELOP"] });
  return studio;
}

async function judge(rows: readonly Row[]): Promise<void> {
  await using studio = await startCrowd();
  const authorise = authoriseWith(studio.store);
  for (const [authid, action, uri, may, match = "exact"] of rows) {
    const authrole = authid === "system" ? "system" : authid.includes("-") ? "device" : "account";
    const session = new Session({ id: 1, realm: "realm1", authid, authrole, roles: {}, send: () => {} });
    const actual = authorise({ session, action, uri, match, extent: "all" });
    assert.equal(actual, may, `${authid} ${action} ${match} ${uri}`);
  }
}

Deno.test("devices act for themselves, accounts on devices they may use, and only the system on the Studio", async () => {
  await judge([
    ["system", "register", "reswarm.devices.check_privilege", true],
    ["system", "call", "studio.add_device", true],
    ["12-345", "call", "reswarm.devices.check_privilege", true],
    ["12-345", "call", "re.tunnel.expose_port", true],
    ["12-345", "call", "wamp.session.add_testament", true],
    ["12-345", "call", "studio.account_login", false],
    ["12-345", "call", "re.mgmt.SN-10.execute_cmd", false],
    ["12-345", "register", "re.mgmt.SN-1.execute_cmd", true],
    ["12-345", "register", "re.mgmt.SN-10.execute_cmd", false],
    ["12-345", "register", "reswarm.devices.check_privilege", false],
    ["12-345", "publish", "reswarm.logs.SN-1.prod_42_shop", true],
    ["12-345", "publish", "reswarm.logs.SN-10.prod_42_shop", false],
    ["12-345", "publish", "reswarm.api.testament_device", true],
    ["12-345", "subscribe", "wamp.subscription.on_create", true],
    ["12-345", "subscribe", "reswarm.device.%d.list/ondestroy", true],
    ["12-345", "publish", "wamp.subscription.on_create", false],
    ["12-345", "subscribe", "re.mgmt.SN-1.term_write.1", true],
    ["12-345", "subscribe", "studio.reports.SN-1", false],
    ["7", "call", "re.mgmt.SN-1.get_images", true],
    ["7", "call", "re.mgmt.SN-1.request_app_state", false],
    ["7", "subscribe", "reswarm.logs.SN-1.prod_42_shop", true],
    ["7", "subscribe", "re.mgmt.SN-1.agent_update_progress", true],
    ["10", "publish", "re.mgmt.SN-1.term_write.1", true],
    ["8", "publish", "re.mgmt.SN-1.term_write.1", true],
    ["8", "call", "re.mgmt.SN-1.term_resize.1", true],
    ["8", "subscribe", "re.mgmt.SN-1.data.1", true],
    ["10", "call", "re.mgmt.SN-1.term_resize.1", true],
    ["10", "subscribe", "re.mgmt.SN-1.data.1", true],
    ["7", "call", "re.mgmt.SN-10.get_images", false],
    ["7", "call", "studio.account_login", false],
    ["7", "call", "reswarm.devices.get_app_cred_key", false],
    ["8", "call", "re.mgmt.SN-1.request_app_state", true],
    ["9", "call", "re.mgmt.SN-1.get_images", false],
    ["1", "call", "re.mgmt.SN-10.request_app_state", true],
  ]);
});

Deno.test("#14: a pattern is allowed only when everything that it can match is", async () => {
  const broad = ["", "r", "re", "re.", "re.mgmt", "re.mgmt.", "re.mgmt.S", "re.mgmt.SN-1", "reswarm", "reswarm."];
  const rows = [...broad, "reswarm.logs", "reswarm.logs.", "reswarm.logs.SN-1", "studio", "wamp", "wamp.", "a"];
  const open = [
    "",
    ".",
    "..",
    "...",
    "re...",
    "re.mgmt..",
    "re.mgmt..x",
    ".mgmt.SN-1.x",
    "reswarm.logs..",
    "wamp..",
    "a.",
  ];
  const patterns = [...rows.map((uri) => [uri, "prefix"] as const), ...open.map((uri) => [uri, "wildcard"] as const)];
  const users = ["12-345", "1", "7", "8", "9", "10"];
  await judge([
    ...users.flatMap((who) => patterns.map(([uri, match]): Row => [who, "subscribe", uri, false, match])),
    ...users.flatMap((who) => patterns.map(([uri, match]): Row => [who, "register", uri, false, match])),
    ...patterns.map(([uri, match]): Row => ["system", "subscribe", uri, true, match]),
    ["12-345", "subscribe", "re.mgmt.SN-1.", true, "prefix"],
    ["12-345", "register", "re.mgmt.SN-1.", true, "prefix"],
    ["12-345", "register", "re.mgmt.SN-1..x", true, "wildcard"],
    ["12-345", "register", "re.mgmt.SN-1.a", true, "wildcard"],
    ["12-345", "subscribe", "wamp.subscription.on_create", false, "prefix"],
    ["12-345", "subscribe", "wamp.subscription.", false, "wildcard"],
    ["7", "subscribe", "reswarm.logs.SN-1.", true, "prefix"],
    ["7", "subscribe", "reswarm.logs.SN-1.", true, "wildcard"],
    ["7", "subscribe", "reswarm.logs.SN-10.", false, "prefix"],
    ["7", "subscribe", "re.mgmt.SN-1.", false, "prefix"],
    ["10", "subscribe", "re.mgmt.SN-1.", true, "prefix"],
    ["1", "subscribe", "reswarm.logs.SN-10.", true, "prefix"],
  ]);
});

Deno.test("#14: accounts register nothing, and keep their hands off what belongs to others", async () => {
  const uris = [
    "browser.of.ada",
    "re.mgmt.SN-1.get_images",
    "reswarm.devices.check_privilege",
    "studio.add_device",
    "wamp.a",
  ];
  const accounts = ["1", "7", "9", "10"];
  const meta = [
    "wamp.session.kill",
    "wamp.session.list",
    "wamp.session.get",
    "wamp.registration.list",
    "wamp.registration.get",
    "wamp.subscription.list",
    "wamp.subscription.list_subscribers",
  ];
  const topics = ["wamp.session.on_join", "wamp.session.on_leave", "wamp.registration.on_create"];
  await judge([
    ...accounts.flatMap((who) => uris.map((uri): Row => [who, "register", uri, false])),
    ...["12-345", ...accounts].flatMap((who) => meta.map((uri): Row => [who, "call", uri, false])),
    ...["12-345", ...accounts].flatMap((who) => topics.map((uri): Row => [who, "subscribe", uri, false])),
    ...accounts.flatMap((who): Row[] => [
      [who, "call", "wamp.session.add_testament", false],
      [who, "call", "wamp.subscription.match", false],
      [who, "subscribe", "wamp.subscription.on_create", false],
      [who, "publish", "reswarm.logs.SN-1.prod_42_shop", false],
      [who, "publish", "re.mgmt.SN-1.agent_update_progress", false],
      [who, "publish", "reswarm.api.testament_device", false],
      [who, "publish", "studio.reports.SN-1", false],
      [who, "subscribe", "studio.reports.SN-1", false],
      [who, "subscribe", "browser.of.ada", false],
    ]),
    ["7", "publish", "re.mgmt.SN-1.term_write.1", false],
    ["7", "subscribe", "re.mgmt.SN-1.term_write.1", false],
    ["7", "subscribe", "re.mgmt.SN-1.data.1", false],
    ["7", "subscribe", "re.mgmt.SN-1.cmd_output_17", false],
    ["7", "call", "re.mgmt.SN-1.term_resize.1", false],
    ["8", "subscribe", "reswarm.logs.SN-1.prod_42_shop", false],
    ["8", "subscribe", "re.mgmt.SN-1.term_data.prod_42_shop.1", false],
    ["9", "subscribe", "reswarm.logs.SN-1.prod_42_shop", false],
    ["10", "publish", "re.mgmt.SN-10.term_write.1", false],
    ["12-345", "call", "reswarm.devices.something_else", false],
    ["12-345", "subscribe", "reswarm.device.346.list/ondestroy", false],
    ["12-345", "subscribe", "reswarm.api.testament_device", false],
  ]);
});
