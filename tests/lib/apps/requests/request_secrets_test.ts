import assert from "node:assert/strict";
import { requestSecrets } from "../../../../lib/apps/requests/request_secrets.ts";
import { decodeStateRequest } from "../../../../lib/apps/requests/state_request.ts";

function secretsOf(kwargs: Record<string, unknown>): string[] {
  const known = { app_key: 7, app_name: "Shop", stage: "PROD", target_state: "RUNNING" };
  return requestSecrets(decodeStateRequest({ ...known, ...kwargs }).request);
}

const cases: { name: string; kwargs: Record<string, unknown>; expected: string[] }[] = [
  { name: "a request without any", kwargs: {}, expected: [] },
  {
    name: "passwords of registries",
    kwargs: {
      docker_credentials: {
        "r.example.com": { username: "user", password: "hunter22" },
        "s.example.com": { username: "user", password: "swordfish" },
      },
    },
    expected: ["hunter22", "swordfish"],
  },
  {
    name: "a variable that is marked as secret",
    kwargs: { environment: { PIN: { value: 4711, secret: true }, LEVEL: { value: "info" } } },
    expected: ["4711"],
  },
  {
    name: "a variable that its template marks as secret, with its default",
    kwargs: {
      environment: { PIN: { value: "4711" } },
      environment_template: { PIN: { defaultValue: "0000", secret: true }, LEVEL: { defaultValue: "info" } },
    },
    expected: ["4711", "0000"],
  },
  {
    name: "the other marks",
    kwargs: {
      environment_template: {
        A: { defaultValue: "one1", isSecret: true },
        B: { defaultValue: "two2", type: "secret" },
        C: { defaultValue: "three3", type: "password" },
        D: { defaultValue: "four4", type: "text", secret: false },
      },
    },
    expected: ["one1", "two2", "three3"],
  },
  {
    name: "a variable with the name of a secret, unless its value is short",
    kwargs: { environment: { DB_PASSWORD: { value: "hunter22" }, TOKEN_COUNT: { value: 1000 } } },
    expected: ["hunter22"],
  },
  {
    name: "a variable of any other name, unless its value is a number or a word",
    kwargs: {
      environment: {
        ...{ A: { value: "hunter22" }, B: { value: "production" }, C: { value: "12345678" }, D: { value: "short1" } },
        ...{ E: { value: "correcthorsebattery" }, F: { value: "10.0.0.1:80" } },
      },
    },
    expected: ["hunter22", "correcthorsebattery"],
  },
  {
    name: "a compose file: its variables and commands",
    kwargs: {
      docker_compose: {
        services: {
          web: { image: "registry.example.com/web:1", environment: ["A=hunter22==", "B=production"] },
          db: { environment: { C: "hunter33" }, command: ["serve", "--pin=hunter44"], entrypoint: "run -p hunter55" },
        },
      },
    },
    expected: ["hunter22", "hunter22==", "hunter33", "hunter44", "hunter55"],
  },
  {
    name: "entries of odd shapes",
    kwargs: { environment: { TOKEN: "text", SECRET: null, KEY: { secret: true }, PASSWORD: { value: "" } } },
    expected: [],
  },
  {
    name: "a value that is not text",
    kwargs: { environment: { KEYS: { value: ["one", "two"], secret: true } } },
    expected: ['["one","two"]'],
  },
];

for (const { name, kwargs, expected } of cases) {
  Deno.test(`requestSecrets() of ${name}`, () => assert.deepEqual(secretsOf(kwargs), expected));
}
