/** Tests of the values that follow from the config. */

import assert from "node:assert/strict";
import {
  authid,
  deviceUrl,
  downloadBase,
  endpointForApps,
  tunnelDomain,
  tunnelServer,
  updateChannel,
  usesClientCertificate,
} from "../../../lib/config/derived.ts";

Deno.test("authid() joins project and device", () => {
  assert.equal(authid({ swarmKey: 12, deviceKey: 345 }), "12-345");
});

const certificates: [url: string, isUsed: boolean][] = [
  ["wss://devices.reswarm.io:8080", true],
  ["wss://devices.ironflock.com:8080/ws-re-dev", true],
  ["wss://DEVICES.reswarm.io:8080/ws", true],
  ["wss://my-devices.example.com:8080/ws", false],
  ["wss://devices.example.com/ws", false],
  ["wss://devices.example.org:8080", false],
  ["wss://cbw.ironflock.com/ws-re-dev", false],
  ["", false],
];

for (const [url, isUsed] of certificates) {
  Deno.test(`usesClientCertificate() is ${isUsed} for "${url}"`, () =>
    assert.equal(usesClientCertificate(url), isUsed));
}

Deno.test("#12: a crafted endpoint does not turn off the check of certificates", () => {
  const crafted = [
    "wss://evil.example/devices.reswarm.io:8080",
    "wss://evil.example/?devices.reswarm.io:8080",
    "wss://evil.example/#devices.x.com:8080",
    "wss://devices.reswarm.io:8080@evil.example/",
    "wss://devices.reswarm.io@evil.example:8080/",
    "wss://user:pw@devices.reswarm.io:8080/",
    "wss://devices.reswarm.io.evil.com:8080/",
    "wss://devices.evil.com:8080/",
    "wss://xdevices.reswarm.io:8080/",
    "wss://devices.reswarm.io.:8080/",
    "wss://devices.reswarm.io:18080/",
    "wss://devices.reswarm.io:443/",
    "wss://devices.reswarm.io/",
    "ws://devices.reswarm.io:8080/",
    "https://devices.reswarm.io:8080/",
    "wss://devices.reswarm.io:8080:8080",
    "devices.reswarm.io:8080",
    "wss://",
  ];
  for (const url of crafted) assert.equal(usesClientCertificate(url), false, url);
});

const channels: [environment: string, endpointUrl: string, channel: string][] = [
  ["test", "wss://x.record-evolution.com", "test"],
  ["anything", "", "anything"],
  ["", "wss://api.datapods.io/record-evolution", "test"],
  ["", "wss://cbw.record-evolution.com/ws", "production"],
  ["", "wss://cbw.ironflock.com/ws-re-dev", "local"],
  ["", "", "local"],
];

for (const [environment, endpointUrl, channel] of channels) {
  Deno.test(`updateChannel() is ${channel} for "${environment}" at "${endpointUrl}"`, () => {
    assert.equal(updateChannel({ environment, endpointUrl }), channel);
  });
}

Deno.test("downloadBase() is the device's own address, else the flag's, slashes untouched", () => {
  assert.equal(downloadBase({ updateUrl: "https://a/dl/" }, "https://flag"), "https://a/dl/");
  assert.equal(downloadBase({ updateUrl: "" }, "https://flag"), "https://flag");
});

const domains: [applianceDomain: string, environment: string, domain: string][] = [
  ["box.example.com", "test", "box.example.com"],
  ["", "test", "app.ironflock.dev"],
  ["", "local", "localhost"],
  ["", "production", "app.ironflock.com"],
  ["", "", "app.ironflock.com"],
  ["", "other", "app.ironflock.com"],
];

for (const [applianceDomain, environment, domain] of domains) {
  Deno.test(`tunnelDomain() is ${domain} for "${applianceDomain}" in "${environment}"`, () => {
    assert.equal(tunnelDomain({ applianceDomain, environment }), domain);
    assert.equal(tunnelServer({ applianceDomain, environment, endpointUrl: "" }), domain);
  });
}

const servers: [endpointUrl: string, host: string][] = [
  ["wss://cbw.ironflock.com/ws-re-dev", "app.ironflock.com"],
  ["wss://api.x.com:8080/ws?a=b.c", "app.x.com"],
  ["wss://user:pass@api.x.com#f", "app.x.com"],
  ["ws://router:8080/ws", "router"],
  ["ws://localhost:8080/ws", "localhost"],
  ["ws://127.0.0.1:8080/ws", "127.0.0.1"],
  ["ws://192.168.1.10/ws", "192.168.1.10"],
  ["ws://[fe80::1]:8080/ws", "fe80::1"],
  ["ws://host.docker.internal:8080", "host.docker.internal"],
  ["no url", "app.ironflock.dev"],
];

for (const [endpointUrl, host] of servers) {
  Deno.test(`tunnelServer() is ${host} for "${endpointUrl}"`, () => {
    assert.equal(tunnelServer({ applianceDomain: "", environment: "test", endpointUrl }), host);
    assert.equal(tunnelServer({ applianceDomain: "a.b", environment: "test", endpointUrl }), "a.b");
  });
}

const endpoints: [url: string, forApps: string][] = [
  ["ws://localhost:8080/ws", "ws://host.docker.internal:8080/ws"],
  ["ws://LOCALHOST", "ws://host.docker.internal"],
  ["ws://127.0.0.1:8080/ws?x=127.0.0.1", "ws://host.docker.internal:8080/ws?x=127.0.0.1"],
  ["ws://127.12.3.4/", "ws://host.docker.internal/"],
  ["ws://[::1]:8080/ws", "ws://host.docker.internal:8080/ws"],
  ["ws://[0:0:0:0:0:0:0:1]/ws", "ws://host.docker.internal/ws"],
  ["ws://u:p@localhost:1/ws", "ws://u:p@host.docker.internal:1/ws"],
  ["wss://cbw.ironflock.com/ws-re-dev", "wss://cbw.ironflock.com/ws-re-dev"],
  ["wss://localhost.example.com/ws", "wss://localhost.example.com/ws"],
  ["ws://1270.0.0.1/ws", "ws://1270.0.0.1/ws"],
  ["ws://[::11]/ws", "ws://[::11]/ws"],
  ["localhost:8080", "localhost:8080"],
  ["not a url", "not a url"],
  ["", ""],
];

for (const [url, forApps] of endpoints) {
  Deno.test(`endpointForApps() makes "${forApps}" of "${url}"`, () => assert.equal(endpointForApps(url), forApps));
}

Deno.test("deviceUrl() is the device's page when the base URL is known", () => {
  const config = { swarmOwnerName: "joe", swarmName: "plant", name: "pump 7" };
  assert.equal(
    deviceUrl(config, "https://studio.ironflock.com"),
    "https://studio.ironflock.com/joe/swarms/plant/settings/devices/pump 7",
  );
  assert.equal(deviceUrl(config, undefined), undefined);
  assert.equal(deviceUrl(config, ""), undefined);
});
