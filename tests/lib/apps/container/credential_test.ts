/** Tests of the app's own login: the two published examples, and when there is none. */

import assert from "node:assert/strict";
import { appCredential } from "../../../../lib/apps/container/credential.ts";

const given = {
  key: "ZG9jcy1leGFtcGxlLWtleQ==",
  serialNumber: "11111111-2222-3333-4444-555555555555",
  app: { appKey: 42, stage: "DEV" },
  epoch: 7,
} as const;

Deno.test("appCredential() gives the published examples", () => {
  assert.deepEqual(appCredential(given), {
    id: "app-42-dev-e7@11111111-2222-3333-4444-555555555555",
    secret: "vBM+sB0DND1IumsQkUHdN9XrDI8MKonXwrEZJsiRSi4=",
  });
  const second = {
    key: "dGVzdC1rZXktZm9yLXZlY3Rvcg==",
    serialNumber: "06a0bf96-a539-4d6a-8471-ac7adc67616e",
    app: { appKey: 33, stage: "PROD" },
    epoch: 1,
  } as const;
  assert.deepEqual(appCredential(second), {
    id: "app-33-prod-e1@06a0bf96-a539-4d6a-8471-ac7adc67616e",
    secret: "Pr7pphQvvuN4WW0EKmbTnngTGFpxqFXuH4mYCVrV6+A=",
  });
});

Deno.test("appCredential() takes epoch 0 for 1", () => {
  assert.deepEqual(appCredential({ ...given, epoch: 0 }), appCredential({ ...given, epoch: 1 }));
});

Deno.test("appCredential() gives none while something is missing", () => {
  assert.equal(appCredential({ ...given, key: undefined }), undefined);
  assert.equal(appCredential({ ...given, key: "" }), undefined);
  assert.equal(appCredential({ ...given, serialNumber: "" }), undefined);
  assert.equal(appCredential({ ...given, app: { appKey: 0, stage: "DEV" } }), undefined);
});

Deno.test("appCredential() differs by app, stage, device and epoch", () => {
  const others = [
    given,
    { ...given, epoch: 8 },
    { ...given, serialNumber: "other" },
    { ...given, app: { appKey: 43, stage: "DEV" } as const },
    { ...given, app: { appKey: 42, stage: "PROD" } as const },
  ];
  const secrets = others.map((other) => appCredential(other)?.secret);
  assert.equal(new Set(secrets).size, others.length);
});
