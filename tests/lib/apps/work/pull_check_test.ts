import assert from "node:assert/strict";
import { PullCheck } from "../../../../lib/apps/work/pull_check.ts";
import { AgentError, hasCode } from "../../../../lib/base/errors.ts";
import { silentLog } from "../../../../lib/base/log.ts";
import type { PullSpace } from "../../../../lib/disk_space/pull_space.ts";
import { RegistryBusyError } from "../../../../lib/docker/retry_after.ts";
import { FakeClock } from "../../../fakes/fake_clock.ts";

const never = new AbortController().signal;

function begin(ask: (signal: AbortSignal) => Promise<PullSpace>) {
  const clock = new FakeClock();
  let refused = 0;
  const check = new PullCheck({ ask, clock, log: silentLog }, () => refused += 1);
  return { clock, check, refused: () => refused };
}

const answers: [name: string, answer: () => Promise<PullSpace>, code: AgentError["code"] | undefined][] = [
  ["an image that fits", () => Promise.resolve({ kind: "fits" }), undefined],
  ["an image that does not fit", () => Promise.resolve({ kind: "noSpace", neededBytes: 2, freeBytes: 1 }), "no_space"],
  ["a registry that asks for a pause", () => Promise.reject(new RegistryBusyError("later", 5)), "registry_busy"],
  [
    "a registry that wants the login elsewhere",
    () => Promise.reject(new AgentError("untrusted_server", "not its own")),
    "untrusted_server",
  ],
  ["a check that fails", () => Promise.reject(new AgentError("timeout", "no answer")), undefined],
  ["an engine that fails", () => Promise.reject(new AgentError("engine_failed", "no version")), undefined],
];

for (const [name, answer, code] of answers) {
  Deno.test(`#2: a check of ${name} ${code === undefined ? "lets the pull go on" : `stops it: ${code}`}`, async () => {
    const { check, refused } = begin(answer);
    await check.wait(2_000, never);
    assert.equal(check.refusal?.code, code);
    assert.equal(refused(), code === undefined ? 0 : 1);
    await check.end();
  });
}

Deno.test("#2: a slow registry delays a pull by the head start only, and may still stop it", async () => {
  const answer = Promise.withResolvers<PullSpace>();
  const { clock, check, refused } = begin(() => answer.promise);
  const waiting = check.wait(2_000, never);
  await clock.advance(2_000);
  await waiting;
  assert.equal(check.refusal, undefined);
  answer.resolve({ kind: "noSpace", neededBytes: 2, freeBytes: 1 });
  await check.wait(1_000, never);
  assert.ok(hasCode(check.refusal, "no_space"));
  assert.equal(refused(), 1);
  await check.end();
});

Deno.test("#2: a check that is ended asks no longer and stops nothing", async () => {
  const { check, refused } = begin((signal) =>
    new Promise((_, reject) => signal.addEventListener("abort", () => reject(new AgentError("canceled", "aborted"))))
  );
  await check.end();
  assert.equal(check.refusal, undefined);
  assert.equal(refused(), 0);
});
