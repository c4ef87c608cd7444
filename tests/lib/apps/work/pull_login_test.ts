import assert from "node:assert/strict";
import { anonymousPullText, pullLogin } from "../../../../lib/apps/work/pull_login.ts";
import { sampleConfig } from "../../../fakes/fake_surroundings.ts";

const cloud = { registryUrl: "registry.example.com/" };
const appliance = { registryUrl: "localhost:15001/", applianceDomain: "Box.example.org" };
const login = { username: "u", password: "p" };
const device = { user: "token", password: "secret" };
const user = { user: "u", password: "p" };

const cases: {
  name: string;
  reference: string;
  config: Parameters<typeof sampleConfig>[0];
  token?: string;
  logins?: Record<string, typeof login>;
  expected: { user: string; password: string } | undefined;
  isOwn: boolean;
}[] = [
  {
    name: "the device's registry",
    reference: "registry.example.com/x:1",
    config: cloud,
    expected: device,
    isOwn: true,
  },
  {
    name: "the device's registry, configured with scheme, capitals and path",
    reference: "registry.example.com/team/x:1",
    config: { registryUrl: " https://Registry.Example.com/team/ " },
    expected: device,
    isOwn: true,
  },
  {
    name: "an appliance's registry",
    reference: "localhost:15001/x:1",
    config: appliance,
    expected: device,
    isOwn: true,
  },
  {
    name: "an appliance's registry under its second name",
    reference: "registry.box.example.org/x:1",
    config: appliance,
    expected: device,
    isOwn: true,
  },
  {
    name: "that name without an appliance",
    reference: "registry.box.example.org/x:1",
    config: cloud,
    expected: undefined,
    isOwn: false,
  },
  {
    name: "a name that only ends like it",
    reference: "evil-registry.box.example.org/x:1",
    config: appliance,
    expected: undefined,
    isOwn: false,
  },
  {
    name: "the device's registry, for which a user has stored a login too",
    reference: "registry.example.com/x:1",
    config: cloud,
    logins: { "registry.example.com": login },
    expected: device,
    isOwn: true,
  },
  {
    name: "the device's registry without a token, but with a login of a user",
    reference: "registry.example.com/x:1",
    config: cloud,
    token: "",
    logins: { "registry.example.com": login },
    expected: user,
    isOwn: true,
  },
  {
    name: "the device's registry without a token",
    reference: "registry.example.com/x:1",
    config: cloud,
    token: "",
    expected: undefined,
    isOwn: true,
  },
  {
    name: "a foreign registry with a login",
    reference: "Acme.azurecr.io/x:1",
    config: cloud,
    logins: { " https://ACME.azurecr.io/v2/ ": login },
    expected: user,
    isOwn: false,
  },
  {
    name: "Docker Hub with a login under one of its names",
    reference: "shop:1",
    config: cloud,
    logins: { "https://index.docker.io/v1/": login },
    expected: user,
    isOwn: false,
  },
  { name: "a foreign registry", reference: "ghcr.io/x:1", config: cloud, expected: undefined, isOwn: false },
];

for (const { name, reference, config, token = "token", logins = {}, expected, isOwn } of cases) {
  Deno.test(`change 2.7: the login for an image of ${name}`, () => {
    const before = structuredClone(logins);
    const found = pullLogin(reference, { token, config: sampleConfig(config), logins });
    assert.deepEqual(found.auth && { user: found.auth.user, password: found.auth.password }, expected);
    assert.equal(found.isOwn, isOwn);
    assert.deepEqual(logins, before, "what a user has stored is not touched");
  });
}

Deno.test("change 2.7: a pull without a login names the host, and where a login can be added", () => {
  assert.match(anonymousPullText("ghcr.io"), /registry ghcr\.io.*without a login.*credentials for host "ghcr\.io"/);
});
