import assert from "node:assert/strict";
import { addDevice } from "../../../scripts/studio/devices.ts";
import { exposePort } from "../../../scripts/studio/exposed_ports.ts";
import { Store } from "../../../scripts/studio/store.ts";
import { proofOf, refuseTunnel } from "../../../scripts/studio/tunnel_rights.ts";

Deno.test("proofOf() is what the tunnel servers of the field expect", () => {
  const proof = "0uemVghNfiE6hf6_FR3yfU6rRie-F3LtMPkk8QnGY8A";
  assert.equal(proofOf({ secret: "s3cret-demo", deviceKey: 512 }), proof);
});

Deno.test("refuseTunnel() lets a device open tunnels with its own names and granted ports, and nothing else", () => {
  const folder = Deno.makeTempDirSync({ prefix: "rights" });
  try {
    using store = Store.open(`${folder}/studio.db`);
    const [one, other] = ["edge-1", "edge-2"].map((name) => addDevice(store, { name })) as [
      ReturnType<typeof addDevice>,
      ReturnType<typeof addDevice>,
    ];
    const key = one.deviceKey;
    exposePort(store, key, { port: 31_500, protocol: "tcp", isReserved: false });
    exposePort(store, other.deviceKey, { port: 31_501, protocol: "tcp", isReserved: false });
    const metas = { tunnel_proof: proofOf(one) };
    const login = (content: unknown) => refuseTunnel(store, { op: "Login", content });
    assert.equal(login({ metas }), undefined);
    for (
      const content of [{}, { metas: {} }, { metas: { tunnel_proof: "x" } }, { metas: { tunnel_proof: 5 } }, null, []]
    ) {
      assert.notEqual(login(content), undefined, JSON.stringify(content));
    }
    const proxy = (content: object) =>
      refuseTunnel(store, { op: "NewProxy", content: { user: { metas }, ...content } });
    const tcp = { proxy_name: `${key}-mqtt-1883-tcp`, proxy_type: "tcp", remote_port: 31_500 };
    const web = { proxy_name: `secure-${key}-web-443-https`, proxy_type: "https", subdomain: `secure-${key}-web-443` };
    assert.deepEqual([proxy(tcp), proxy(web)], [undefined, undefined]);
    const refused: object[] = [
      { ...tcp, remote_port: 31_501 },
      { ...tcp, remote_port: 0 },
      { ...tcp, remote_port: "31500" },
      { ...tcp, proxy_type: "udp" },
      { ...tcp, proxy_name: `${key}0-mqtt-1883-tcp` },
      { ...tcp, proxy_type: "stcp" },
      { ...web, subdomain: `${other.deviceKey}-web-443` },
      { ...web, custom_domains: ["studio.example.com"] },
      { ...tcp, user: { metas: { tunnel_proof: proofOf(other) } } },
      { ...tcp, user: null },
    ];
    for (const content of refused) assert.notEqual(proxy(content), undefined, JSON.stringify(content));
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
});
