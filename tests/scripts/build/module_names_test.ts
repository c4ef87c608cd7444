import assert from "node:assert/strict";
import { withoutModuleNames } from "../../../scripts/build/module_names.ts";

Deno.test("withoutModuleNames() leaves modules without names, and texts as they are", () => {
  const code = (name: string, other: string) =>
    [
      "var init_errors = __esm({",
      `  ${name}() {`,
      '    text = "var init_x = __esm({";',
      "  }",
      "});",
      "var require_lib = __commonJS({",
      `  ${other}(exports, module) {`,
      '    module.exports = { "a.js"() {} };',
      "  }",
      "});",
    ].join("\n");
  const named = code('"../../a \\"b\\"/lib/errors.ts"', '"node_modules/x/lib.js"');
  assert.equal(withoutModuleNames(named), code('""', '""'));
  assert.equal(withoutModuleNames("let x = 1;"), "let x = 1;");
});
