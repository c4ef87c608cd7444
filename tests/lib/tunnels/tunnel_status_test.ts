import assert from "node:assert/strict";
import { tunnelProxy } from "../../../lib/tunnels/tunnel_proxy.ts";
import { fingerprint, type ProxyStatus, tunnelStates } from "../../../lib/tunnels/tunnel_status.ts";

const domain = "app.ironflock.com";
const web = tunnelProxy({ deviceKey: 512, appName: "Web", port: 80, protocol: "http" }, {
  localIp: "",
  localPort: 40_007,
  remotePort: 0,
});
const mqtt = tunnelProxy({ deviceKey: 512, appName: "web", port: 1883, protocol: "tcp" }, {
  localIp: "",
  localPort: 40_008,
  remotePort: 31_044,
});

function statusOf(name: string, change: Partial<ProxyStatus> = {}): ProxyStatus {
  const plain = { protocol: "tcp", status: "running", error: "", localAddress: "127.0.0.1:40008", plugin: "" };
  return { name, ...plain, remoteAddress: `${domain}:31044`, remotePort: 31_044, ...change };
}

Deno.test("tunnelStates() has a state for each proxy that the client reports", () => {
  const statuses = [statusOf(mqtt.name), statusOf("another-1-a-1-tcp")];
  assert.deepEqual(tunnelStates([web, mqtt], { statuses, domain }), [{
    status: {
      name: "512-web-1883-tcp",
      status: "running",
      localAddr: "127.0.0.1:40008",
      plugin: "",
      remoteAddr: "app.ironflock.com:31044",
      remotePort: 31_044,
      error: "",
      protocol: "tcp",
    },
    app_name: "web",
    port: 1883,
    active: true,
    error: false,
    error_message: "",
    url: "tcp://512-web-1883.app.ironflock.com:31044",
  }]);
});

Deno.test("tunnelStates() passes on the error of a proxy that does not work", () => {
  const statuses = [statusOf(mqtt.name, { status: "start error", error: "port already used", remotePort: 0 })];
  const [state] = tunnelStates([mqtt], { statuses, domain });
  assert.equal(state?.active, false);
  assert.equal(state?.error, true);
  assert.equal(state?.error_message, "port already used");
  assert.equal(state?.url, "tcp://512-web-1883.app.ironflock.com");
});

Deno.test("fingerprint() ignores the order, and changes with what people see", () => {
  const of = (...statuses: ProxyStatus[]) => fingerprint(tunnelStates([web, mqtt], { statuses, domain }));
  const first = statusOf(web.name, { protocol: "http" });
  const second = statusOf(mqtt.name);
  assert.equal(of(first, second), of(second, first));
  assert.equal(of(), "");
  assert.notEqual(of(first, second), of(first, { ...second, status: "wait start" }));
  assert.notEqual(of(first, second), of(first, { ...second, error: "port already used" }));
  assert.notEqual(of(first, second), of(first, { ...second, remotePort: 5 }));
  assert.notEqual(of(first, second), of(first));
});
