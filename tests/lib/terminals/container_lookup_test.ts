/** Which container a name stands for. */

import assert from "node:assert/strict";
import { findContainer } from "../../../lib/terminals/container_lookup.ts";
import { containerSummary } from "./container_summary.ts";

const containers = [
  containerSummary("prod_42_shop"),
  containerSummary("prod_42_shop2"),
  containerSummary("my_prod_43_desk"),
  containerSummary("prod_44_till_compose-web-2", { project: "prod_44_till_compose", service: "web" }),
  containerSummary("prod_44_till_compose-web-1", { project: "prod_44_till_compose", service: "web" }),
  containerSummary("prod_44_till_compose-db-1", { project: "prod_44_till_compose", service: "db", state: "exited" }),
  containerSummary("Other-App"),
  containerSummary("tools-api-1", { project: "tools", service: "api" }),
];

const rows: [name: string, found: string | undefined][] = [
  ["prod_42_shop", "prod_42_shop"],
  ["Other-App", "Other-App"],
  ["other-app", undefined],
  ["prod_42_sho", undefined],
  ["prod_43_desk", undefined],
  ["prod_44_till", "prod_44_till_compose-web-1"],
  ["prod_44_till_compose", "prod_44_till_compose-web-1"],
  ["PROD_44_Till", "prod_44_till_compose-web-1"],
  ["prod_44_till-web", "prod_44_till_compose-web-1"],
  ["prod_44_till_web", "prod_44_till_compose-web-1"],
  ["prod_44_till_compose-db", "prod_44_till_compose-db-1"],
  ["prod_44_till_compose-db-1", "prod_44_till_compose-db-1"],
  ["prod_44_till-cache", undefined],
  ["tools-api", "tools-api-1"],
  ["", undefined],
];

for (const [name, found] of rows) {
  Deno.test(`findContainer() finds ${found ?? "nothing"} for "${name.slice(0, 40)}"`, () => {
    assert.equal(findContainer(name, containers)?.names[0], found);
  });
}
