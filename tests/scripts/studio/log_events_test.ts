import assert from "node:assert/strict";
import { readableText } from "../../../scripts/studio/log_events.ts";

Deno.test("readableText() finds the words in the engine's own lines, and drops mere progress", () => {
  const table: [line: string, expected: string | undefined][] = [
    ["plain", "plain"],
    ["{not json", "{not json"],
    ['{"stream":"Step 1/2 : FROM scratch"}', "Step 1/2 : FROM scratch"],
    ['{"stream":"\\n"}', undefined],
    ['{"error":"it failed","errorDetail":{}}', "it failed"],
    ['{"status":"The push refers to repository x"}', "The push refers to repository x"],
    ['{"status":"Pushing","id":"1","progressDetail":{}}', undefined],
    ['{"aux":{"ID":"sha256:1"}}', undefined],
  ];
  for (const [line, expected] of table) assert.equal(readableText(line), expected, line);
});
