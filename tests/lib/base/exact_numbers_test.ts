import assert from "node:assert/strict";
import { isDict, parseJson } from "../../../lib/base/json.ts";
import { parseWithExactNumbers } from "../../../lib/base/exact_numbers.ts";
import { valueText } from "../../../lib/apps/container/variable.ts";
import { decodeMessage } from "../../../lib/wamp/message.ts";

const numbers = [
  ...["9007199254740993", "-9007199254740993", "18446744073709551615", "123456789012345678901234567890"],
  ...["0", "-1", "42", "9007199254740991", "1.5", "1000000"],
];

Deno.test("a variable has exactly the digits that Studio has sent, also after it was stored", () => {
  for (const digits of numbers) {
    for (const member of ["value", "defaultValue"]) {
      const parsed = parseWithExactNumbers(`{"A":{"${member}": ${digits}}}`);
      const again = parseJson(JSON.stringify(parsed));
      for (const one of [parsed, again]) {
        assert.ok(isDict(one) && isDict(one.A));
        assert.equal(valueText(one.A[member]), digits);
      }
    }
  }
});

Deno.test("all other numbers are those of the language", () => {
  const text =
    '{"app_key":9007199254740993,"value":[9007199254740993],"x":{"value":1e300},"y":{"value":0.1234567890123456789}}';
  assert.deepEqual(parseWithExactNumbers(text), JSON.parse(text));
  assert.throws(() => parseWithExactNumbers('{"value":9007199254740993'), SyntaxError);
});

Deno.test("decodeMessage() keeps long numbers of variables", () => {
  const message = decodeMessage('[68,1,2,{},[],{"environment":{"A":{"value":9007199254740993}}}]');
  assert.ok(JSON.stringify(message).includes('{"value":9007199254740993}'));
});
