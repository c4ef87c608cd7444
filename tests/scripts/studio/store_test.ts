import assert from "node:assert/strict";
import { addAccount } from "../../../scripts/studio/accounts.ts";
import { applyChange } from "../../../scripts/studio/desired_change.ts";
import { saveDeviceApp } from "../../../scripts/studio/device_apps.ts";
import { addDevice, deviceByName } from "../../../scripts/studio/devices.ts";
import { checkLogin, mintRegistryToken, pusherPassword, pusherUser } from "../../../scripts/studio/logins.ts";
import { addRelease, type App, ensureApp, newestRelease, repositoryOf } from "../../../scripts/studio/releases.ts";
import { Store } from "../../../scripts/studio/store.ts";

/** Runs with a store in a folder of its own. */
async function withStore(run: (store: Store, path: string) => void): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    using store = Store.open(`${folder}/studio.db`);
    run(store, `${folder}/studio.db`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("a store is readable by its owner only, and keeps its content", async () => {
  await withStore((store, path) => {
    assert.equal((Deno.statSync(path).mode ?? 0) & 0o777, 0o600);
    const device = addDevice(store, { name: "edge-1" });
    const password = pusherPassword(store);
    store[Symbol.dispose]();
    using again = Store.open(path);
    assert.deepEqual(deviceByName(again, "edge-1"), device);
    assert.equal(pusherPassword(again), password);
  });
});

Deno.test("a file that is not a database is refused", async () => {
  await withStore((store, path) => {
    store[Symbol.dispose]();
    Deno.writeTextFileSync(path, "no database".repeat(1000));
    assert.throws(() => Store.open(path), { code: "store_failed" });
  });
});

Deno.test("addDevice() refuses names that are in use or invalid in files and topics", async () => {
  await withStore((store) => {
    addDevice(store, { name: "edge-1", serial: "SN-1", deviceKey: 5 });
    const table = [
      { name: "edge-1" },
      { name: "other", serial: "SN-1" },
      { name: "other", deviceKey: 5 },
      { name: "other", serial: "a.b" },
      { name: "../other" },
      { name: "" },
    ];
    for (const given of table) assert.throws(() => addDevice(store, given), { code: "bad_request" }, given.name);
    assert.equal(addDevice(store, { name: "next" }).deviceKey, 6);
  });
});

/** The Studio wants a release of the app published on the device. */
function publishOn(store: Store, deviceKey: number, app: App): void {
  const change = { target: "PUBLISHED", stage: "DEV" } as const;
  const context = { app, known: undefined, newest: newestRelease(store, app), named: undefined, accountKey: 1 };
  saveDeviceApp(store, { deviceKey, app: applyChange(change, context) });
}

Deno.test("checkLogin() lets devices pull, and push what they publish, and the pusher everything", async () => {
  await withStore((store) => {
    const device = addDevice(store, { name: "edge-1", secret: "secret" });
    const other = addDevice(store, { name: "edge-2", secret: "other" });
    const token = mintRegistryToken(store, { accountKey: 1, deviceKey: device.deviceKey });
    mintRegistryToken(store, { accountKey: 1, deviceKey: other.deviceKey });
    const table: [user: string, password: string, verdict: boolean | string[]][] = [
      [token, "secret", ["pull"]],
      [token, "other", false],
      [token, "", false],
      ["nobody", "secret", false],
      ["", "", false],
      [pusherUser, pusherPassword(store), true],
      [pusherUser, "secret", false],
    ];
    for (const [user, password, verdict] of table) {
      const login = { user, password, repository: "apps/x", actions: ["pull", "push"] };
      assert.deepEqual(checkLogin(store, login), verdict, `${user} ${password}`);
    }
    const app = ensureApp(store, "shop");
    addRelease(store, app, { version: "1" });
    publishOn(store, device.deviceKey, app);
    for (
      const [name, actions] of [["shop", ["pull", "push"]], ["shop_web", ["pull", "push"]], ["shops", [
        "pull",
      ]]] as const
    ) {
      const repository = repositoryOf({ ...app, name });
      assert.deepEqual(checkLogin(store, { user: token, password: "secret", repository, actions: [] }), actions, name);
    }
    store.run("UPDATE registry_tokens SET expires_ms = ?", Date.now() - 1);
    assert.equal(checkLogin(store, { user: token, password: "secret", repository: undefined, actions: [] }), false);
  });
});

Deno.test("releases keep their keys, and the one with the highest key is the newest", async () => {
  await withStore((store) => {
    const app = ensureApp(store, "Shop", { appKey: 42 });
    assert.equal(repositoryOf(app, "arm64"), "apps/prod_arm64_42_shop");
    addRelease(store, app, { version: "2.0", releaseKey: 7 });
    const third = addRelease(store, app, { version: "1.9-patched" });
    assert.equal(third.releaseKey, 8);
    assert.deepEqual(newestRelease(store, app), third);
    assert.equal(addRelease(store, app, { version: "2.0", dockerCompose: { services: {} } }).releaseKey, 7);
    assert.throws(() => addRelease(store, app, { version: "3", releaseKey: 7 }), /another release with the key 7/);
    assert.throws(() => addRelease(store, app, { version: "a b" }), /cannot be a version/);
    assert.throws(() => ensureApp(store, "a.b"), /cannot name an app/);
    assert.throws(() => ensureApp(store, "other", { appKey: 42 }), /another app with the key 42/);
    assert.throws(() => ensureApp(store, "Shop", { appKey: 43 }), /already has the key 42/);
  });
});

Deno.test("accounts get the next key and keep their secret", async () => {
  await withStore((store) => {
    const first = addAccount(store, { accountKey: 7, name: "Ada" });
    assert.deepEqual(addAccount(store, { accountKey: 7, name: "Bob" }), first);
    assert.equal(addAccount(store).accountKey, 8);
  });
});
