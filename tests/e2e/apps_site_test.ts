// box engine registry
/** What apps get of the site that their device is at: host ports, proxies and certificates. */

import assert from "node:assert/strict";
import { prepareCaBundle } from "../../lib/agent/ca_bundle.ts";
import { systemClock } from "../../lib/async/clock.ts";
import { silentLog } from "../../lib/base/log.ts";
import { encodePortRule } from "../../lib/model/port_rule.ts";
import { AppsFixture, container } from "./apps_fixture.ts";

const running = '"Now running app Shop (1)"';

Deno.test("change 2.5: on a real engine a reserved port is published exactly, or the app fails", async (t) => {
  await using fixture = await AppsFixture.start();
  await fixture.publish("1", { tickMs: 200 });
  const reserved = { ports: [{ port: 502, protocol: "tcp", reserved_host_port: 41_000 }, { port: "8080" }] };
  const saved = () => fixture.studio.ports.at(-1)?.ports.map(encodePortRule)[0];

  await t.step("it waits for a process that has the port, and takes it then", async () => {
    const other = Deno.listen({ hostname: "0.0.0.0", port: 41_000 });
    const reason = "reserved host port 41000 is in use by another process";
    const line =
      `"Reserved host port 41000 for port 502 is unavailable: ${reason}. Reserved ports are never reassigned ` +
      'automatically - free the port or change the reservation."';
    assert.ok((await fixture.requestUntil("RUNNING", "FAILED", reserved)).includes(line));
    await fixture.until("ports");
    assert.equal(saved()?.reservation_error, reason);
    assert.deepEqual(fixture.apps.checkHostPort(question(43_000)), { available: true, reason: "" });
    other.close();
    await fixture.requestUntil("RUNNING", running, reserved);
    assert.match(await fixture.engine.docker("port", container, "502/tcp"), /^0\.0\.0\.0:41000$/m);
    assert.match(await fixture.engine.docker("port", container, "8080/tcp"), /^0\.0\.0\.0:40000$/m);
  });

  await t.step("another reservation takes effect at the next start", async () => {
    const changed = { ports: [{ port: 502, protocol: "tcp", reserved_host_port: 42_000 }] };
    const entries = await fixture.requestUntil("RUNNING", "RUNNING", changed);
    assert.ok(
      entries.includes(
        '"Reserved host port 42000 for port 502 takes effect on the next restart of the app; until then port 502 stays ' +
          'reachable on host port 41000."',
      ),
      entries.join("\n"),
    );
    assert.equal(saved()?.host_port, 41_000);
    await fixture.requestUntil("PRESENT", '"Successfully stopped Shop"', changed);
    await fixture.requestUntil("RUNNING", running, changed);
    assert.match(await fixture.engine.docker("port", container, "502/tcp"), /^0\.0\.0\.0:42000$/m);
  });

  await t.step("check_host_port sees ports of containers that are not the agent's", async () => {
    const image = (await fixture.engine.docker("inspect", "-f", "{{.Image}}", container)).trim();
    await fixture.engine.docker("run", "-d", "--name", "foreign", "-p", "43000:1", image);
    assert.equal(fixture.apps.checkHostPort(question(43_000)).reason, "taken_by_process");
    await fixture.engine.docker("rm", "-f", "foreign");
  });
});

Deno.test("#9: a container gets the proxies and certificates of the site, as variables and as files", async () => {
  const proxies = { http: "http://me:word@127.0.0.1:3128", https: "", none: "a.example" };
  await using fixture = await AppsFixture.start({ proxies, applianceDomain: "site.example" });
  const paths = {
    caBundleFile: `${fixture.folder}/certs/ca-bundle.crt`,
    endpointChainFile: `${fixture.folder}/endpoint-chain.pem`,
  };
  const config = { applianceDomain: "site.example", endpointUrl: "wss://127.0.0.1:9/ws" };
  await prepareCaBundle({ paths, config, clock: systemClock, log: silentLog });
  await fixture.publish("1", { tickMs: 200 });
  await fixture.requestUntil("RUNNING", running, { environment: { no_proxy: { value: "mine" } } });
  const inside = (script: string) => fixture.engine.docker("exec", container, "sh", "-c", script);
  const proxy = "http://me:word@host.docker.internal:3128";
  assert.equal(await inside('printf %s "$HTTP_PROXY $http_proxy"'), `${proxy} ${proxy}`);
  assert.equal(await inside("cat /data/env/IRONFLOCK_HTTP_PROXY.txt"), proxy);
  assert.equal(await inside('printf %s "$no_proxy"'), "mine");
  const direct = "a.example,localhost,127.0.0.1,::1,host.docker.internal,10.0.0.0/8,172.16.0.0/12,192.168.0.0/16," +
    "site.example,.site.example";
  assert.equal(await inside('printf %s "$NO_PROXY"'), direct);
  const bundle = await Deno.readTextFile(paths.caBundleFile);
  assert.equal((await inside('cat "$SSL_CERT_FILE" /dev/null')).trim(), bundle.trim());
  assert.match(await inside("touch /etc/ironflock/certs/x 2>&1 || true"), /[Rr]ead-only/);
});

function question(hostPort: number) {
  return { app: { appKey: 7, stage: "PROD" }, transport: "tcp", port: 502, hostPort } as const;
}
