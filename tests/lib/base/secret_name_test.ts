import assert from "node:assert/strict";
import { isSecretName } from "../../../lib/base/secret_name.ts";

const names: { isSecret: boolean; names: string[] }[] = [
  {
    isSecret: true,
    names: [
      "password",
      "dbPassword",
      "PASSWD",
      "config_passphrase",
      "secret",
      "DEVICE_SECRET",
      "token",
      "registryToken",
      "identitytoken",
      "Authorization",
      "privateKey",
      "private_key",
      "private-key",
      "signature",
      "certificateKey",
      "cert_key",
      "apiKey",
      "app_cred_key",
      "X-Registry-Auth",
      "auth",
      "wifi_psk",
      "Set-Cookie",
      "STRIPE_KEY",
      "ssh-key",
      "stripeKey",
    ],
  },
  {
    isSecret: false,
    names: [
      "app",
      "appKey",
      "device_key",
      "swarm_key",
      "device_owner_account_key",
      "device_to_app_key",
      "releaseKey",
      "requestorAccountKey",
      "monkey",
      "turnkey_mode",
      "authid",
      "author",
      "certificate",
      "path",
      "key",
      "error",
      "epsk1",
    ],
  },
];

for (const { isSecret, names: list } of names) {
  for (const name of list) {
    Deno.test(`isSecretName() is ${isSecret} for ${name}`, () => assert.equal(isSecretName(name), isSecret));
  }
}
