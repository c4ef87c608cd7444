import assert from "node:assert/strict";
import { FrameMeter, UnfinishedMessages } from "../../../scripts/studio/router/frame_guard.ts";

interface Piece {
  opcode: number;
  length: number;
  isLast?: boolean;
  isMasked?: boolean;
}

function frame({ opcode, length, isLast = true, isMasked = true }: Piece): number[] {
  const size = length < 126 ? [length] : length < 65_536 ? [126, length >> 8, length & 255] : [
    127,
    ...Array.from({ length: 8 }, (_, index) => Math.floor(length / 256 ** (7 - index)) % 256),
  ];
  const [first = 0, ...rest] = size;
  const mask = isMasked ? [1, 2, 3, 4] : [];
  return [(isLast ? 128 : 0) | opcode, (isMasked ? 128 : 0) | first, ...rest, ...mask, ...Array(length).fill(255)];
}

const limits = { messageBytes: 1_000, fragments: 4 };

const rows: [name: string, pieces: Piece[], refusal: string | undefined, unfinishedBytes: number][] = [
  ["a whole message", [{ opcode: 1, length: 1_000 }], undefined, 0],
  ["an empty message", [{ opcode: 1, length: 0 }], undefined, 0],
  ["many messages", Array(20).fill({ opcode: 1, length: 300 }), undefined, 0],
  ["a large one", [{ opcode: 1, length: 1_001 }], "Max payload size exceeded", 0],
  ["a huge one", [{ opcode: 1, length: 70_000 }], "Max payload size exceeded", 0],
  ["unmasked frames", [{ opcode: 1, length: 200, isMasked: false }, { opcode: 2, length: 5 }], undefined, 0],
  ["an open message", [{ opcode: 1, length: 300, isLast: false }], undefined, 300],
  ["pieces", [{ opcode: 1, length: 300, isLast: false }, { opcode: 0, length: 300 }], undefined, 0],
  [
    "pieces that are large together",
    [{ opcode: 1, length: 600, isLast: false }, { opcode: 0, length: 600 }],
    "Max payload size exceeded",
    600,
  ],
  ["many empty pieces", Array(5).fill({ opcode: 0, length: 0, isLast: false }), "Too many message fragments", 0],
  [
    "pings between pieces",
    [{ opcode: 1, length: 9, isLast: false }, ...Array(50).fill({ opcode: 9, length: 125 }), { opcode: 0, length: 9 }],
    undefined,
    0,
  ],
];

Deno.test("#15: FrameMeter bounds messages and their pieces, wherever the bytes are cut", () => {
  for (const [name, pieces, refusal, unfinishedBytes] of rows) {
    const bytes = new Uint8Array(pieces.flatMap(frame));
    for (const size of [1, 2, 7, 64, bytes.length]) {
      const meter = new FrameMeter();
      let actual: string | undefined;
      for (let at = 0; at < bytes.length && actual === undefined; at += size) {
        actual = meter.take(bytes.subarray(at, at + size), limits);
      }
      assert.equal(actual, refusal, `${name}, ${size} bytes at a time`);
      assert.equal(meter.unfinishedBytes, unfinishedBytes, `${name}, ${size} bytes at a time`);
    }
  }
});

Deno.test("#15: UnfinishedMessages ends the oldest message when all together hold too much", () => {
  const ended: string[] = [];
  const sender = (name: string) => ({ overflow: () => void ended.push(name) });
  const [first, second, third] = [sender("first"), sender("second"), sender("third")];
  const messages = new UnfinishedMessages(100);
  messages.note(first, 40);
  messages.note(second, 40);
  messages.note(first, 0);
  messages.note(third, 60);
  assert.deepEqual(ended, []);
  messages.note(first, 10);
  assert.deepEqual(ended, ["second"]);
  messages.note(third, 90);
  messages.note(third, 101);
  assert.deepEqual(ended, ["second", "third"]);
  messages.note(second, 90);
  assert.deepEqual(ended, ["second", "third"], "what has ended no longer counts");
});
