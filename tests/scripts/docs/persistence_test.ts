import assert from "node:assert/strict";
import { readSchema, renderPersistence } from "../../../scripts/docs/persistence.ts";

Deno.test("readSchema() finds the tables and columns that the migrations make", () => {
  const { tables, migrations } = readSchema();
  const outbox = tables.find(({ name }) => name === "ReagentOutbox");
  assert.deepEqual(outbox?.columns, ["id", "happened", "report"]);
  assert.equal(migrations[0]?.name, "the reference agent's tables");
});

Deno.test("renderPersistence() has a row for every table and every migration", () => {
  const schema = readSchema();
  const page = renderPersistence(schema);
  const missing = [
    ...schema.tables.map(({ name }) => `| \`${name}\` |`),
    ...schema.migrations.map(({ number, name }) => `| ${number} | ${name} |`),
  ].filter((text) => !page.includes(text));
  assert.deepEqual(missing, []);
});

Deno.test("renderPersistence() throws for a table that nobody has described", () => {
  const tables = [{ name: "Doors", columns: ["id"] }];
  assert.throws(() => renderPersistence({ tables, migrations: [] }), /no words for Doors/);
});
