import assert from "node:assert/strict";
import { normalizeChannel, parseChannel } from "../../../lib/model/channel_names.ts";

Deno.test("parseChannel() reads stage, key and name", () => {
  const cases: [string, unknown][] = [
    ["prod_42_shop", { id: { appKey: 42, stage: "PROD" }, appName: "shop" }],
    ["dev_42_shop", { id: { appKey: 42, stage: "DEV" }, appName: "shop" }],
    ["pub_71_fan_ctl", { id: { appKey: 71, stage: "DEV" }, appName: "fan_ctl" }],
    ["/prod_42_Shop.Two-3", { id: { appKey: 42, stage: "PROD" }, appName: "shop.two-3" }],
    ["prod_0_x", { id: { appKey: 0, stage: "PROD" }, appName: "x" }],
  ];
  for (const [text, expected] of cases) assert.deepEqual(parseChannel(text), expected, text);
});

Deno.test("parseChannel() refuses everything else", () => {
  const hostile = [
    ..."|prod|prod_42|prod_42_|prod__shop|prod_x_shop|test_42_shop|prod_-1_shop|prod_1.5_shop".split("|"),
    ..."prod_42_../../etc|prod_42_a b|prod_42_a/b|//prod_42_shop|prod_42_a\n|prod_42_\u0000|prod_42_a?b=c".split("|"),
    `prod_42_${"x".repeat(300)}`,
    "prod_99999999999999999999_x",
  ];
  for (const text of hostile) assert.equal(parseChannel(text), undefined, JSON.stringify(text));
});

Deno.test("normalizeChannel() removes the engine's slash and lower-cases the rest", () => {
  assert.equal(normalizeChannel("/PROD_42_Shop"), "prod_42_shop");
  assert.equal(normalizeChannel("prod_42_shop"), "prod_42_shop");
});
