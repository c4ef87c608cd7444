import assert from "node:assert/strict";
import { appCredential } from "../../../../lib/apps/container/app_credential.ts";

const example = {
  key: "ZG9jcy1leGFtcGxlLWtleQ==",
  serialNumber: "11111111-2222-3333-4444-555555555555",
  app: { appKey: 42, stage: "DEV" },
  epoch: 7,
} as const;

Deno.test("appCredential() agrees with the published examples", () => {
  assert.deepEqual(appCredential(example), {
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

Deno.test("appCredential() treats epoch 0 as 1", () => {
  assert.deepEqual(appCredential({ ...example, epoch: 0 }), appCredential({ ...example, epoch: 1 }));
});

Deno.test("appCredential() returns nothing while something is missing", () => {
  assert.equal(appCredential({ ...example, key: undefined }), undefined);
  assert.equal(appCredential({ ...example, key: "" }), undefined);
  assert.equal(appCredential({ ...example, serialNumber: "" }), undefined);
  assert.equal(appCredential({ ...example, app: { appKey: 0, stage: "DEV" } }), undefined);
});

Deno.test("appCredential() differs by app, stage, device and epoch", () => {
  const others = [
    example,
    { ...example, epoch: 8 },
    { ...example, serialNumber: "other" },
    { ...example, app: { appKey: 43, stage: "DEV" } as const },
    { ...example, app: { appKey: 42, stage: "PROD" } as const },
  ];
  const secrets = others.map((other) => appCredential(other)?.secret);
  assert.equal(new Set(secrets).size, others.length);
});
