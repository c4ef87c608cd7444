import assert from "node:assert/strict";
import { isAnonymousVolume, sortVolumes, withVolumes } from "../../../../lib/apps/container/app_volumes.ts";
import { dictField, listField, textField } from "../../../../lib/docker/decode.ts";
import type { CreateRequest } from "../../../../lib/docker/engine.ts";

const id = { stage: "PROD", appKey: 7 } as const;
const hex = "a1".repeat(32);
const data = { Type: "bind", Source: "/apps/shop", Target: "/data" };
const plain: CreateRequest = { Image: "shop:1", HostConfig: { Privileged: true, Mounts: [data] } };

/** The volumes that are mounted, by target. */
async function volumesOf(
  declared: readonly string[],
  { body = plain, adopted = [], app = id }: {
    body?: CreateRequest;
    adopted?: { name: string; target: string }[];
    app?: Parameters<typeof withVolumes>[1]["id"];
  } = {},
): Promise<Record<string, string>> {
  const { HostConfig } = await withVolumes(body, { id: app, declared, adopted });
  const mounts = listField(dictField(HostConfig).Mounts).map(dictField).filter(({ Type }) => Type === "volume");
  return Object.fromEntries(mounts.map(({ Target, Source }) => [textField(Target), textField(Source)]));
}

Deno.test("#1: withVolumes() mounts the same volume at a path in every container of an app", async () => {
  const first = await volumesOf(["/var/lib/db", "/state"]);
  assert.deepEqual(first, {
    "/state": "prod_7_state_7ac1387d11b1e002",
    "/var/lib/db": "prod_7_var-lib-db_b90499f2a0ee321a",
  });
  assert.deepEqual(await volumesOf(["/state/", "//var/./lib/x/../db"]), first);
  assert.deepEqual(Object.keys(await volumesOf(["/a b:c", `/${"ü".repeat(200)}`])).length, 2);
  for (const name of Object.values(await volumesOf(["/a b:c", `/${"ü".repeat(200)}`, "/.x", `/${"y".repeat(300)}`]))) {
    assert.match(name, /^prod_7_[A-Za-z0-9-]*_[0-9a-f]{16}$/);
  }
});

Deno.test("#1: withVolumes() tells apps, stages and paths apart", async () => {
  const apps = [id, { stage: "DEV", appKey: 7 } as const, { stage: "PROD", appKey: 71 } as const];
  const names = await Promise.all(apps.map((app) => volumesOf(["/a-b", "/a/b", "/a_b", "/A/b"], { app })));
  assert.equal(new Set(names.flatMap((volumes) => Object.values(volumes))).size, 12);
});

Deno.test("#1: withVolumes() leaves alone what is mounted already, and what cannot be a volume", async () => {
  assert.equal(
    await withVolumes(plain, { id, declared: ["/data", "/data/", "data", "/", ".", ""], adopted: [] }),
    plain,
  );
  const body = { HostConfig: { Binds: ["/srv:/srv:ro"], Mounts: null } };
  assert.equal(await withVolumes(body, { id, declared: ["/srv"], adopted: [] }), body);
  assert.deepEqual(Object.keys(await volumesOf(["/data/inner"])), ["/data/inner"]);
  const { HostConfig } = await withVolumes(plain, { id, declared: ["/state"], adopted: [] });
  assert.deepEqual([listField(dictField(HostConfig).Mounts)[0], dictField(HostConfig).Privileged], [data, true]);
});

Deno.test("#1: withVolumes() uses the volumes of earlier containers, and those of the settings it is given", async () => {
  assert.deepEqual(await volumesOf(["/state/"], { adopted: [{ name: hex, target: "/state" }] }), { "/state": hex });
  const once = await withVolumes(plain, { id, declared: ["/state"], adopted: [] });
  assert.deepEqual(await withVolumes({ ...once, Volumes: { "/state": {} } }, { id, declared: [], adopted: [] }), {
    ...{ ...once, Volumes: { "/state": {} } },
  });
});

Deno.test("#1: a path that an image declares without its slash is one below the root", async () => {
  assert.deepEqual(await volumesOf(["state", "./state/"]), await volumesOf(["/state"]));
  const [anonymous, named] = [{ name: hex, target: "state" }, { name: "prod_7_state_x", target: "/state" }];
  const cases: [volumes: { name: string; target: string }[], targets: string[], kept: unknown[], hidden: string[]][] = [
    [[anonymous], ["state"], [{ name: hex, target: "/state" }], []],
    [[anonymous, named], ["state", "/state"], [], [hex]],
    [[{ ...anonymous, target: "data" }], ["data", "/data"], [], [hex]],
    [[{ ...anonymous, target: "/state" }], ["/state", "/data"], [{ name: hex, target: "/state" }], []],
    [[{ ...anonymous, target: "/" }], ["/"], [], [hex]],
    [[named], ["/state"], [], []],
  ];
  for (const [all, targets, kept, hidden] of cases) {
    assert.deepEqual(sortVolumes(all, targets), { kept, hidden }, targets.join());
  }
});

Deno.test("#1, #10: an image that declares the folder of its variables sees them", async () => {
  const { HostConfig } = await withVolumes(plain, { id, declared: ["/data/env/", "/data/env/x"], adopted: [] });
  const [, env, inner] = listField(dictField(HostConfig).Mounts).map(dictField);
  assert.deepEqual(env, { Type: "bind", Source: "/apps/shop/env", Target: "/data/env" });
  assert.deepEqual([inner?.Type, inner?.Target], ["volume", "/data/env/x"]);
});

Deno.test("isAnonymousVolume() is true for names that engines make up", () => {
  assert.ok(isAnonymousVolume({ name: hex, target: "/x" }));
  for (const name of ["data", hex.slice(1), hex.toUpperCase(), "prod_7_state_c2ec2b3f1e9c8ec4"]) {
    assert.ok(!isAnonymousVolume({ name, target: "/x" }));
  }
});
