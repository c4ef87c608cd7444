import assert from "node:assert/strict";
import { isDict, parseJson } from "../../../../lib/base/json.ts";
import { StudioProcess } from "./studio_process.ts";

Deno.test("port open and close change one rule of an app and wait for the device", async () => {
  await using studio = await StudioProcess.prepare();
  await studio.serve();
  await studio.run("device", "add", "edge-1", "--serial", "SN-1");
  const flock = parseJson(await Deno.readTextFile(`${studio.folder}/edge-1.flock`));
  await using device = await studio.joinAs(flock);
  await studio.addRelease("shop", "1.0.0");
  let rules: unknown;
  let asked = 0;
  await device.answer("request_app_state", ({ kwargs }) => {
    rules = kwargs.ports;
    asked = 0;
    return {};
  });
  // The device is slow: what it says is right at the third question.
  await device.answer("get_tunnel_state", () => {
    const rule = Array.isArray(rules) ? rules.filter(isDict).find(({ port }) => port === 502) : undefined;
    const isOpen = (rule?.active === true) === (++asked > 2);
    const status = { name: "1-shop-502-tcp", protocol: "tcp", remotePort: rule?.reserved_remote_port };
    const url = "tcp://1-shop-502.localhost:31500";
    return { args: [isOpen ? [{ app_name: "shop", port: 502, active: true, status, url }] : []] };
  });
  await studio.run("app", "run", "edge-1", "shop", "--port", "80:http", "--wait", "0");

  const opened = await studio.run("port", "open", "edge-1", "shop", "502:tcp", "--reserve", "31500");
  assert.deepEqual(opened, { code: 0, output: "tcp://1-shop-502.localhost:31500\n", errors: "" });
  const [web, modbus] = Array.isArray(rules) ? rules : [];
  assert.equal(isDict(web) && web.port, 80);
  assert.ok(isDict(modbus));
  assert.deepEqual([modbus.protocol, modbus.active, modbus.reserved_remote_port], ["tcp", true, 31_500]);

  const closed = await studio.run("port", "close", "edge-1", "shop", "502:tcp");
  assert.deepEqual(closed, { code: 0, output: "", errors: "" });
  assert.deepEqual(Array.isArray(rules) && rules[1], { ...modbus, active: false });

  const late = await studio.run("port", "open", "edge-1", "shop", "9:udp", "--wait", "0");
  assert.deepEqual(late, { code: 1, output: "", errors: "Port 9 of shop is not open after 0 s\n" });
});
