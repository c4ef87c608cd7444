/** Sizes as viewers report them. */

import assert from "node:assert/strict";
import { messageOf } from "../../../lib/base/errors.ts";
import { readContainerSize, readDeviceSize } from "../../../lib/terminals/window_size.ts";

type Answer = string | { rows: number; columns: number } | undefined;

function answerOf(read: () => Answer): Answer {
  try {
    return read();
  } catch (error) {
    return messageOf(error);
  }
}

const rows: [args: unknown[], container: Answer, device: Answer][] = [
  [[{ height: 24, width: 80 }], { rows: 24, columns: 80 }, { rows: 24, columns: 80 }],
  [[{ height: 0, width: 80 }], undefined, undefined],
  [[{ height: 24.9, width: 80 }], "failed to parse height", { rows: 24, columns: 80 }],
  [[{ height: 24, width: -1 }], "failed to parse width", "failed to parse width: out of range: -1"],
  [[{ height: 32_768, width: 1 }], "failed to parse height", "failed to parse height: out of range: 32768"],
  [[{ height: "24", width: 1 }], "failed to parse height", "failed to parse height: unexpected type string"],
  [[{ height: true, width: 1 }], "failed to parse height", "failed to parse height: unexpected type bool"],
  [[{ height: 1, width: null }], "failed to parse width", "failed to parse width: unexpected type <nil>"],
  [[{ height: [], width: 1 }], "failed to parse height", "failed to parse height: unexpected type []interface {}"],
  [[], "failed to parse args, payload is missing", "failed to parse args, payload is missing"],
  [[7], "failed to parse args", "failed to parse args"],
  [[null], "failed to parse args", "failed to parse args"],
];

for (const [args, container, device] of rows) {
  Deno.test(`a size of ${JSON.stringify(args)} is read or refused`, () => {
    assert.deepEqual(answerOf(() => readContainerSize(args)), container);
    assert.deepEqual(answerOf(() => readDeviceSize(args)), device);
  });
}
