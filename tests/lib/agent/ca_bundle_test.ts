import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { type CaBundleOptions, prepareCaBundle, refreshCaBundle } from "../../../lib/agent/ca_bundle.ts";
import { silentLog } from "../../../lib/base/log.ts";
import { caBundle, pemsIn, readCaStore } from "../../../lib/host/ca_store.ts";
import { noProxies } from "../../../lib/wamp/proxy.ts";
import { TestCa } from "../../../scripts/testbed/certificate_authority.ts";

const never = new AbortController().signal;

/** A device of an appliance in a folder of its own. */
class World implements Disposable {
  readonly folder = Deno.makeTempDirSync({ prefix: "ca-bundle" });
  readonly file = `${this.folder}/apps/certs/ca-bundle.crt`;
  readonly chainFile = `${this.folder}/endpoint-chain.pem`;
  now = new Date();

  options(config: Partial<CaBundleOptions["config"]> = {}): CaBundleOptions {
    return {
      paths: { caBundleFile: this.file, endpointChainFile: this.chainFile },
      config: { applianceDomain: "site.example", endpointUrl: "wss://127.0.0.1:9/ws", ...config },
      proxies: noProxies,
      clock: { wall: () => this.now },
      log: silentLog,
    };
  }

  get bundle(): string {
    return Deno.readTextFileSync(this.file);
  }

  [Symbol.dispose](): void {
    Deno.removeSync(this.folder, { recursive: true });
  }
}

function modeOf(path: string): number {
  return (Deno.statSync(path).mode ?? 0) & 0o777;
}

Deno.test("change 2.8: prepareCaBundle() writes the authorities of the machine, in order and once, for all to read", async () => {
  using world = new World();
  await prepareCaBundle(world.options());
  const fingerprints = pemsIn(world.bundle).map((pem) => new X509Certificate(pem).fingerprint256);
  assert.ok(fingerprints.length > 0);
  assert.deepEqual(fingerprints, [...new Set(fingerprints)].sort());
  assert.deepEqual([modeOf(world.file), modeOf(`${world.folder}/apps/certs`)], [0o644, 0o755]);
  assert.deepEqual([...Deno.readDirSync(`${world.folder}/apps/certs`)].length, 1);
});

Deno.test("change 2.8: a bundle that would not change is not touched, and a damaged one is replaced", async () => {
  using world = new World();
  await prepareCaBundle(world.options());
  const before = Deno.statSync(world.file).ino;
  await prepareCaBundle(world.options());
  await assert.rejects(refreshCaBundle(world.options(), never), { code: "connect_failed" });
  assert.equal(Deno.statSync(world.file).ino, before);
  Deno.writeTextFileSync(world.file, "");
  await prepareCaBundle(world.options());
  assert.ok(world.bundle.startsWith("-----BEGIN CERTIFICATE-----"));
});

Deno.test("change 2.8: a bundle that is older than the machine's authorities is written again", async () => {
  using world = new World();
  await prepareCaBundle(world.options());
  const whole = world.bundle;
  Deno.writeTextFileSync(world.file, whole.slice(0, 3_000));
  Deno.utimeSync(world.file, 1, 1);
  await prepareCaBundle(world.options());
  assert.equal(world.bundle, whole);
});

Deno.test("change 2.8: without an appliance the bundle is deleted", async () => {
  using world = new World();
  await prepareCaBundle(world.options());
  for (const applianceDomain of ["", "  "]) {
    await prepareCaBundle(world.options({ applianceDomain }));
    await assert.rejects(Deno.stat(world.file), Deno.errors.NotFound);
  }
});

Deno.test("change 2.8: a clock that makes every authority look expired does not empty the bundle", async () => {
  using world = new World();
  await prepareCaBundle(world.options());
  const whole = world.bundle;
  world.now = new Date("2200-01-01");
  Deno.utimeSync(world.file, 1, 1);
  await prepareCaBundle(world.options());
  assert.equal(world.bundle, whole);
});

Deno.test("change 2.8: caBundle() takes authorities only that have not expired, and each once", async () => {
  using world = new World();
  const ca = await TestCa.create(world.folder);
  const leaf = await ca.sign("server", { names: ["DNS:localhost"] });
  const authority = Deno.readTextFileSync(ca.certificateFile);
  const pems = [authority, Deno.readTextFileSync(leaf.certificateFile), "no certificate", authority];
  const fingerprintsAt = (now: Date) =>
    pemsIn(caBundle(pems, { now })).map((pem) => new X509Certificate(pem).fingerprint256);
  assert.deepEqual(fingerprintsAt(new Date()), [new X509Certificate(authority).fingerprint256]);
  assert.deepEqual(fingerprintsAt(new Date(Date.now() + 31 * 86_400_000)), []);
  assert.ok(readCaStore().length > 0);
});

Deno.test("change 2.8: what vouched for the endpoint counts while it cannot be reached, unless the device has moved", async () => {
  using world = new World();
  const ca = await TestCa.create(world.folder);
  const authority = Deno.readTextFileSync(ca.certificateFile);
  Deno.writeTextFileSync(world.chainFile, `# wss://127.0.0.1:9\n${authority}`);
  await prepareCaBundle(world.options());
  const { fingerprint256 } = new X509Certificate(authority);
  const isIn = () => pemsIn(world.bundle).some((pem) => new X509Certificate(pem).fingerprint256 === fingerprint256);
  assert.ok(isIn());
  await assert.rejects(refreshCaBundle(world.options(), never), { code: "connect_failed" });
  assert.ok(isIn());
  const moved = world.options({ endpointUrl: "wss://127.0.0.1:10/ws" });
  await assert.rejects(refreshCaBundle(moved, never), { code: "connect_failed" });
  assert.ok(!isIn());
});
