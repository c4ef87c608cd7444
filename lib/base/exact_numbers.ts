/** Whole numbers beyond 2^53 in variables of apps: the runtime's own numbers would change their last digits. */

/** JSON.parse() and JSON.rawJSON() as the language has them, which the types of the runtime do not know yet. */
interface ExactJson {
  parse(text: string, reviver: (key: string, value: unknown, context: { source?: string }) => unknown): unknown;
  rawJSON(text: string): unknown;
}

const exactJson = JSON as unknown as ExactJson;

/** One of them is in every text with such a member. Looking for them costs little in a text of megabytes. */
const memberNames = ['"value"', '"defaultValue"'];

const longNumber = /"(?:value|defaultValue)"\s*:\s*-?[0-9]{16}/;
const longInteger = /^-?[0-9]{16,}$/;

/**
 * Parses JSON. A whole number beyond 2^53 that is the `value` or `defaultValue` of something becomes an object that
 * `JSON.stringify()` writes with the same digits; all else is as `JSON.parse()` has it. Throws `SyntaxError`.
 */
export function parseWithExactNumbers(text: string): unknown {
  if (!memberNames.some((name) => text.includes(name)) || !longNumber.test(text)) return JSON.parse(text);
  return exactJson.parse(text, (key, value, { source = "" }) => {
    const isLong = typeof value === "number" && !Number.isSafeInteger(value) && longInteger.test(source);
    return isLong && (key === "value" || key === "defaultValue") ? exactJson.rawJSON(source) : value;
  });
}
