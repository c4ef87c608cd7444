import assert from "node:assert/strict";
import { hideByLook } from "../../../lib/log/hide_by_look.ts";
import { Secrets } from "../../../lib/log/secrets.ts";

const looks: { text: string; shown: string }[] = [
  { text: "dial amqp://user:pass@host:5672/x", shown: "dial amqp://user:***@host:5672/x" },
  { text: "https://user:p@ss@host/", shown: "https://user:***@host/" },
  { text: "http://:pass@proxy:3128", shown: "http://:***@proxy:3128" },
  { text: "https://git@host/a:b@c", shown: "https://git@host/a:b@c" },
  { text: "https://host:8080/a@b", shown: "https://host:8080/a@b" },
  { text: "PASSWORD=abc", shown: "PASSWORD=***" },
  { text: "--db-password=abc next", shown: "--db-password=*** next" },
  { text: "DEVICE_SECRET=a,b;c next=1", shown: "DEVICE_SECRET=*** next=1" },
  { text: 'token="a b c" next', shown: "token=*** next" },
  { text: "token='a b c' next", shown: "token=*** next" },
  { text: "/x?access_token=abc&b=1", shown: "/x?access_token=***&b=1" },
  { text: '{"password":"a b","x":1}', shown: '{"password":"***","x":1}' },
  { text: '{"registryToken" : "a\\"b", "x":1}', shown: '{"registryToken" : "***", "x":1}' },
  { text: '{"secret_pin":1234,"x":1}', shown: '{"secret_pin":"***","x":1}' },
  { text: '"{\\"private_key\\":\\"abc\\",\\"x\\":1}"', shown: '"{\\"private_key\\":\\"***\\",\\"x\\":1}"' },
  { text: '{"token":"cut off', shown: '{"token":"***"' },
  { text: "{'db-password': 'a b', 'x': 1}", shown: "{'db-password': '***', 'x': 1}" },
  { text: '{"token_of_the-app":"abc"}', shown: '{"token_of_the-app":"***"}' },
  { text: '{"token":""}', shown: '{"token":"***"}' },
  { text: '{"token":true,"secret":null}', shown: '{"token":"***","secret":"***"}' },
  { text: '{"https://host/token":"abc"}', shown: '{"https://host/token":"abc"}' },
  { text: 'Cannot open "/run/secrets": "no such file"', shown: 'Cannot open "/run/secrets": "no such file"' },
  {
    text: 'Cannot call "reswarm.api.get_token": "no answer"',
    shown: 'Cannot call "reswarm.api.get_token": "no answer"',
  },
  { text: '"cannot get the token": "no answer"', shown: '"cannot get the token": "no answer"' },
  { text: '"token.txt": "not found"', shown: '"token.txt": "not found"' },
  { text: '{"tokens are gone":"abc"}', shown: '{"tokens are gone":"abc"}' },
  { text: 'token": "abc"', shown: 'token": "abc"' },
  { text: '{"author":"abc","certificate":"x"}', shown: '{"author":"abc","certificate":"x"}' },
  { text: "Authorization: Basic dXNlcjpwYXNz", shown: "Authorization: Basic ***" },
  { text: "sent Bearer eyJhbGciOi.J9.abc", shown: "sent Bearer ***" },
  { text: "the bearer of this", shown: "the bearer of this" },
  {
    text: "key:\n-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----\nend",
    shown: "key:\n***\nend",
  },
  { text: "-----BEGIN PRIVATE KEY-----\nMIIE", shown: "***" },
  { text: "-----BEGIN CERTIFICATE-----\nMIIE", shown: "-----BEGIN CERTIFICATE-----\nMIIE" },
  {
    text: "Cannot get the registry token: connection refused",
    shown: "Cannot get the registry token: connection refused",
  },
  { text: "STRIPE_KEY=abc app_key=7 APP_KEY=7", shown: "STRIPE_KEY=*** app_key=7 APP_KEY=7" },
  { text: '{"STRIPE_KEY":"abc","app_key":7}', shown: '{"STRIPE_KEY":"***","app_key":7}' },
  { text: 'got {"environment":{"A":"abc"}}', shown: 'got {"environment":***' },
  { text: '{\\"docker_compose\\":{\\"a\\":1', shown: '{\\"docker_compose\\":***' },
  { text: '{"environment":null,"x":1}', shown: '{"environment":null,"x":1}' },
  { text: "web:\n  image: a\n  command: run abc", shown: "web:\n  image: a\n  command:***" },
  { text: "environment:\n  A: abc", shown: "environment:***" },
  { text: "Command: unknown environment: abc", shown: "Command: unknown environment: abc" },
  { text: "app=shop stage=PROD", shown: "app=shop stage=PROD" },
];

for (const { text, shown } of looks) {
  Deno.test(`hideByLook() turns ${JSON.stringify(text)} into ${JSON.stringify(shown)}`, () => {
    assert.equal(hideByLook(text), shown);
    assert.equal(new Secrets().hide(text), shown);
  });
}

const memberWords = [
  ...["password", "passwd", "passphrase", "secret", "token", "authorization", "signature", "cookie"],
  ...[
    "private_key",
    "private-key",
    "privateKey",
    "private key",
    "private.key",
    "certificate_key",
    "certKey",
    "api-key",
  ],
  ...["cred_key", "credential key", "registry_auth", "registryConfig", "X-Registry-Auth"],
];

for (const word of memberWords) {
  Deno.test(`hideByLook() hides the value of a member "${word}", alone and within a longer name, in any case`, () => {
    for (const name of [word, word.toUpperCase(), `my_${word}`, `${word}-2`]) {
      assert.equal(hideByLook(`{"${name}":"a b","x":"y"}`), `{"${name}":"***","x":"y"}`);
    }
  });
}
