import assert from "node:assert/strict";
import { RegistryTokens } from "../../../../lib/apps/work/registry_tokens.ts";
import { AgentError, hasCode } from "../../../../lib/base/errors.ts";
import { silentLog } from "../../../../lib/base/log.ts";
import type { AppRequest } from "../../../../lib/model/app.ts";
import { FakeClock } from "../../../fakes/fake_clock.ts";
import { sampleRequest } from "../../store/samples.ts";

const never = new AbortController().signal;

function create(answer: () => Promise<string> = () => Promise.resolve("token")) {
  const clock = new FakeClock();
  const accounts: number[] = [];
  const hidden: string[] = [];
  const tokens = new RegistryTokens({
    backend: {
      getRegistryToken: (account) => {
        accounts.push(account);
        return answer();
      },
    },
    hideSecret: (text) => hidden.push(text),
    clock,
    log: silentLog,
  });
  return { tokens, clock, accounts, hidden };
}

Deno.test("M57: fetch() asks on behalf of the owner for a PROD app, else of the requestor, and hides the token", async () => {
  const accounts = { deviceOwnerAccountKey: 1, requestorAccountKey: 2 };
  const cases: [string, Partial<AppRequest>, number][] = [
    ["a PROD app", { ...accounts, stage: "PROD" }, 1],
    ["a DEV app", { ...accounts, stage: "DEV" }, 2],
    ["an unknown owner", { ...accounts, stage: "PROD", deviceOwnerAccountKey: 0 }, 2],
  ];
  for (const [name, change, expected] of cases) {
    const { tokens, accounts, hidden } = create();
    const token = await tokens.fetch(sampleRequest(change), never);
    assert.equal(await token(), "token", name);
    assert.deepEqual([accounts, hidden], [[expected], ["token"]], name);
  }
});

Deno.test("fetch() returns after a second, and the token may come later", async () => {
  const answer = Promise.withResolvers<string>();
  const { tokens, clock } = create(() => answer.promise);
  const fetching = tokens.fetch(sampleRequest(), never);
  await clock.advance(1_000);
  const token = await fetching;
  answer.resolve("late");
  assert.equal(await token(), "late");
});

Deno.test("fetch() throws `canceled` after an abort", async () => {
  const { tokens } = create(() => Promise.reject(new AgentError("canceled", "aborted")));
  await assert.rejects(tokens.fetch(sampleRequest(), AbortSignal.abort()), (error) => hasCode(error, "canceled"));
});

Deno.test("a token is empty when Studio gives none", async () => {
  const { tokens } = create(() => Promise.reject(new AgentError("call_failed", "no")));
  const token = await tokens.fetch(sampleRequest(), never);
  assert.equal(await token(), "");
});

Deno.test("onDemand() asks once, when the token is needed", async () => {
  const { tokens, accounts } = create();
  const token = tokens.onDemand(sampleRequest(), never);
  assert.deepEqual(accounts, []);
  assert.deepEqual([await token(), await token()], ["token", "token"]);
  assert.equal(accounts.length, 1);
});
