/** Tests of the .flock format: names, types, normal form, and the changes that Studio makes. */

import assert from "node:assert/strict";
import { changeFlock, type Flock, readFlock } from "../../../lib/config/flock.ts";

const minimal = {
  name: "pump-7",
  secret: "c2VjcmV0LXZhbHVl",
  swarm_key: 12,
  device_key: 345,
  serial_number: "3f0d8a1e-0000-4000-8000-000000000345",
  device_endpoint_url: "wss://cbw.ironflock.com/ws-re-dev",
  environment: "production",
  docker_registry_url: "registry.ironflock.com/",
  docker_main_repository: "apps/",
};

const minimalText = `{
 "name": "pump-7",
 "secret": "c2VjcmV0LXZhbHVl",
 "board": {
  "cpu": null,
  "docs": null,
  "board": "",
  "model": "",
  "boardname": "",
  "modelname": "",
  "reflasher": false,
  "architecture": ""
 },
 "status": "",
 "password": "",
 "wlanssid": "",
 "swarm_key": 12,
 "device_key": 345,
 "swarm_name": "",
 "description": null,
 "architecture": "",
 "serial_number": "3f0d8a1e-0000-4000-8000-000000000345",
 "authentication": {
  "key": "",
  "certificate": ""
 },
 "swarm_owner_name": "",
 "config_passphrase": "",
 "device_endpoint_url": "wss://cbw.ironflock.com/ws-re-dev",
 "environment": "production",
 "docker_registry_url": "registry.ironflock.com/",
 "docker_main_repository": "apps/"
}`;

Deno.test("readFlock() completes a minimal file to its normal form", () => {
  const flock = read(minimal);
  assert.equal(flock.text, minimalText);
  assert.deepEqual(flock.wrongTypes, []);
  assert.deepEqual(flock.missing, []);
  assert.deepEqual(flock.config, {
    name: "pump-7",
    secret: "c2VjcmV0LXZhbHVl",
    swarmKey: 12,
    deviceKey: 345,
    serialNumber: "3f0d8a1e-0000-4000-8000-000000000345",
    swarmName: "",
    swarmOwnerName: "",
    endpointUrl: "wss://cbw.ironflock.com/ws-re-dev",
    environment: "production",
    registryUrl: "registry.ironflock.com/",
    mainRepository: "apps/",
    applianceDomain: "",
    updateUrl: "",
    boardModel: "",
    authentication: { key: "", certificate: "" },
  });
});

Deno.test("readFlock() returns every field of a full file, in the order of the format", () => {
  const board = { model: "appliance", cpu: { cores: 4 }, docs: "d", board: "b", boardname: "n", modelname: "m" };
  const full = {
    update_url: "https://dl.example.com/dl",
    appliance_domain: "box.example.com",
    "insecure-registries": '["a"]',
    authentication: { certificate: "CERT", key: "KEY" },
    description: { any: "thing" },
    swarm_name: "plant",
    swarm_owner_name: "joe",
    board: { ...board, reflasher: true, architecture: "arm64" },
    ...minimal,
  };
  const { text, config } = read(full);
  assert.deepEqual(JSON.parse(text), {
    ...full,
    status: "",
    password: "",
    wlanssid: "",
    architecture: "",
    config_passphrase: "",
  });
  assert.deepEqual(Object.keys(JSON.parse(text)), [
    ...["name", "secret", "board", "status", "password", "wlanssid", "swarm_key", "device_key", "swarm_name"],
    ...["description", "architecture", "serial_number", "authentication", "swarm_owner_name", "config_passphrase"],
    ...["device_endpoint_url", "environment", "docker_registry_url", "insecure-registries"],
    ...["docker_main_repository", "appliance_domain", "update_url"],
  ]);
  assert.equal(config.boardModel, "appliance");
  assert.equal(config.applianceDomain, "box.example.com");
  assert.equal(config.updateUrl, "https://dl.example.com/dl");
  assert.equal(config.swarmOwnerName, "joe");
  assert.deepEqual(config.authentication, { key: "KEY", certificate: "CERT" });
});

Deno.test("readFlock() matches names whatever their case and uses the last of equal ones", () => {
  const { config, text } = read('{"SECRET":"a","Secret":"b","ſwarm_\u212aey":7,"Board":{"MODEL":"appliance"}}');
  assert.equal(config.secret, "b");
  assert.equal(config.swarmKey, 7);
  assert.equal(config.boardModel, "appliance");
  assert.equal(text.match(/secret/gi)?.length, 1);
});

Deno.test("readFlock() reads null as the zero value", () => {
  const nothing = Object.fromEntries(Object.keys(JSON.parse(minimalText)).map((name) => [name, null]));
  const { text, wrongTypes, missing } = read({ ...nothing, update_url: null, environment: null });
  assert.deepEqual(JSON.parse(text), {
    ...JSON.parse(read({}).text),
  });
  assert.deepEqual(wrongTypes, []);
  assert.equal(missing.length, 7);
});

Deno.test("readFlock() keeps unknown fields in their order, at every level, with every digit", () => {
  const text = `{"zeta":1,"name":"n","10":{"b":[],"a":12345678901234567890},"2":"x","board":{"serial":1.50,"model":"m"},
    "authentication":{"extra":true},"constructor":{},"__proto__":{"polluted":true},"zeta":2}`;
  const flock = read(text);
  const top = [...flock.text.matchAll(/^ "([^"]+)":/gm)].map((match) => match[1]);
  assert.deepEqual(top.slice(-5), ["zeta", "10", "2", "constructor", "__proto__"]);
  assert.match(flock.text, /^ "zeta": 2,$/m);
  assert.match(flock.text, /^ {2}"a": 12345678901234567890$/m);
  assert.match(flock.text, /^ {2}"serial": 1\.50$/m);
  assert.match(flock.text, /^ {2}"extra": true$/m);
  assert.equal(read(flock.text).text, flock.text);
});

Deno.test("readFlock() names fields of the wrong type, counts them as missing and keeps their values", () => {
  const flock = read({
    ...minimal,
    swarm_key: "2",
    secret: 12345,
    board: "appliance",
    authentication: { key: ["k"], certificate: true },
    environment: { a: 1 },
  });
  assert.deepEqual(flock.wrongTypes, [
    "secret must be text, got a number",
    "board must be an object, got text",
    "swarm_key must be a whole number below 2^53 without fraction or exponent, got text",
    "authentication.key must be text, got a list",
    "authentication.certificate must be text, got a boolean",
    "environment must be text, got an object",
  ]);
  assert.deepEqual(flock.missing, []);
  const { secret, swarmKey, boardModel, environment, authentication, deviceKey } = flock.config;
  assert.deepEqual({ secret, swarmKey, boardModel, environment, authentication, deviceKey }, {
    secret: "",
    swarmKey: 0,
    boardModel: "",
    environment: "",
    authentication: { key: "", certificate: "" },
    deviceKey: 345,
  });
  assert.match(flock.text, /^ "swarm_key": "2",$/m);
  assert.match(flock.text, /^ "board": "appliance",$/m);
  assert.deepEqual(read(flock.text), flock);
});

const numbers: [text: string, value: number, isWrong: boolean][] = [
  ["12", 12, false],
  ["0", 0, false],
  ["-0", 0, false],
  ["-5", -5, false],
  ["9007199254740991", 9007199254740991, false],
  ["9007199254740993", 0, true],
  ["2.0", 0, true],
  ["1e3", 0, true],
  ['"12"', 0, true],
  ["true", 0, true],
  ["[1]", 0, true],
  ["null", 0, false],
];

for (const [text, value, isWrong] of numbers) {
  Deno.test(`readFlock() reads a device_key of ${text} as ${value}`, () => {
    const flock = read(`{"device_key":${text}}`);
    assert.ok(Object.is(flock.config.deviceKey, value));
    assert.equal(flock.wrongTypes.length, isWrong ? 1 : 0);
    if (text !== "null") assert.ok(flock.text.includes(`"device_key": ${text.replace("[1]", "[\n  1\n ]")}`));
  });
}

Deno.test("readFlock() names each required field that is missing or empty", () => {
  assert.deepEqual(read({}).missing, [
    "serial_number",
    "secret",
    "swarm_key",
    "device_key",
    "device_endpoint_url",
    "docker_registry_url",
    "docker_main_repository",
  ]);
  assert.deepEqual(read({ ...minimal, secret: "", device_key: 0 }).missing, ["secret", "device_key"]);
});

Deno.test("readFlock() replaces exactly the two addresses that have moved", () => {
  const { config, text } = read({
    docker_registry_url: "registry.reswarm.io/",
    device_endpoint_url: "wss://cbw.record-evolution.com/ws-re-dev",
  });
  assert.equal(config.registryUrl, "registry.ironflock.com/");
  assert.equal(config.endpointUrl, "wss://cbw.ironflock.com/ws-re-dev");
  assert.ok(!/reswarm|record-evolution/.test(text));
  for (const other of ["registry.reswarm.io", "Registry.reswarm.io/", "https://registry.reswarm.io/"]) {
    assert.equal(read({ docker_registry_url: other }).config.registryUrl, other);
  }
  for (const other of ["wss://cbw.record-evolution.com/ws-re-dev/", "ws://cbw.record-evolution.com/ws-re-dev"]) {
    assert.equal(read({ device_endpoint_url: other }).config.endpointUrl, other);
  }
  assert.equal(read({ name: "registry.reswarm.io/" }).config.name, "registry.reswarm.io/");
});

for (const text of ["", "null", "[]", '"text"', "12", "{", '{"secret":"x"'] as const) {
  Deno.test(`readFlock() refuses ${JSON.stringify(text)}`, () => {
    assert.equal(readFlock(text).kind, "broken");
  });
}

Deno.test("readFlock() returns the same for its own text, whatever was in the file", () => {
  const values = [null, "", "x", 0, 5, 2.5, true, [], {}, { model: "m", key: "k" }, "registry.reswarm.io/"];
  let seed = 7;
  const random = (count: number) => Math.floor((seed = (seed * 1_664_525 + 1_013_904_223) % 2 ** 32) / 2 ** 32 * count);
  const names = [...Object.keys(JSON.parse(minimalText)), "environment", "update_url", "Secret", "x", "1", "toString"];
  for (let round = 0; round < 2_000; round++) {
    const members = Array.from({ length: random(12) }, () => {
      return `${JSON.stringify(names[random(names.length)])}:${JSON.stringify(values[random(values.length)])}`;
    });
    const flock = read(`{${members.join(",")}}`);
    assert.deepEqual(read(flock.text), flock);
  }
});

Deno.test("changeFlock() sets what Studio knows and keeps everything else as it was", () => {
  const before = read({ ...minimal, swarm_name: "old", swarm_key: "twelve", mine: { big: 1 } });
  const after = changeFlock(before, { swarmName: 'ne"w\n', swarmOwnerName: undefined, swarmKey: 13 });
  assert.deepEqual(after.config, { ...before.config, swarmName: 'ne"w\n', swarmKey: 13 });
  assert.deepEqual(after.wrongTypes, []);
  assert.equal(
    after.text,
    before.text.replace('"swarm_key": "twelve"', '"swarm_key": 13').replace('"old"', '"ne\\"w\\n"'),
  );
  assert.equal(changeFlock(after, { swarmKey: 13 }).text, after.text);
  assert.equal(changeFlock(after, { name: "", swarmKey: 13 }).config.name, "");
});

function read(content: string | object): Flock {
  const found = readFlock(typeof content === "string" ? content : JSON.stringify(content));
  assert.ok(found.kind === "read", found.kind === "broken" ? found.reason : "");
  return found.flock;
}
