import assert from "node:assert/strict";
import { LineStream, waitingLimitBytes } from "../../../lib/log/line_stream.ts";

/** An output that writes only when a test allows it. */
class Output {
  text = "";
  #answers: (() => number)[] = [];
  #waiting: ((answer: () => number) => void)[] = [];

  async write(bytes: Uint8Array): Promise<number> {
    const { promise, resolve } = Promise.withResolvers<() => number>();
    const answer = this.#answers.shift();
    if (answer === undefined) this.#waiting.push(resolve);
    else resolve(answer);
    const count = Math.min(bytes.length, (await promise)());
    this.text += new TextDecoder().decode(bytes.subarray(0, count));
    return count;
  }

  /** What the next write answers: a number of bytes, or an error. */
  answer(answer: number | Error): void {
    const respond = () => {
      if (answer instanceof Error) throw answer;
      return answer;
    };
    const waiting = this.#waiting.shift();
    if (waiting === undefined) this.#answers.push(respond);
    else waiting(respond);
  }
}

function makeStream(...answers: (number | Error)[]): { output: Output; stream: LineStream } {
  const output = new Output();
  for (const answer of answers) output.answer(answer);
  return { output, stream: new LineStream(output) };
}

Deno.test("LineStream writes lines in order, also when the output takes them in pieces", async () => {
  const { output, stream } = makeStream(2, 1, 100, 100);
  stream.write("one\n");
  stream.write("two\n");
  await stream.written();
  assert.equal(output.text, "one\ntwo\n");
});

Deno.test("LineStream writes again after it was idle", async () => {
  const { output, stream } = makeStream(100, 100);
  stream.write("one\n");
  await stream.written();
  stream.write("two\n");
  await stream.written();
  assert.equal(output.text, "one\ntwo\n");
});

Deno.test("LineStream keeps a limited number of bytes for a stalled reader, and reports what was lost", async () => {
  const { output, stream } = makeStream();
  const line = `${"x".repeat(99_999)}\n`;
  for (let index = 0; index < 15; index += 1) stream.write(line);
  const kept = Math.floor(waitingLimitBytes / line.length);
  for (let index = 0; index <= kept; index += 1) output.answer(line.length);
  await stream.written();
  assert.equal(output.text, `${line.repeat(kept)}… ${15 - kept} line(s) lost\n`);
  output.answer(100);
  stream.write("after\n");
  await stream.written();
  assert.ok(output.text.endsWith("lost\nafter\n"));
});

Deno.test("LineStream loses nothing while the reader keeps up, whatever the total", async () => {
  const { output, stream } = makeStream();
  const line = `${"x".repeat(99_999)}\n`;
  for (let index = 0; index < 30; index += 1) {
    output.answer(line.length);
    stream.write(line);
    await stream.written();
  }
  assert.equal(output.text, line.repeat(30));
});

Deno.test("LineStream keeps nothing after its reader is gone", async () => {
  const { output, stream } = makeStream(100, new Deno.errors.BrokenPipe("gone"));
  stream.write("one\n");
  stream.write("two\n");
  stream.write("three\n");
  await stream.written();
  stream.write("four\n");
  await stream.written();
  assert.equal(output.text, "one\n");
});

Deno.test("LineStream continues after another error and reports what was lost", async () => {
  const { output, stream } = makeStream(new Error("No space left on device"), 100, 100);
  stream.write("one\n");
  stream.write("two\n");
  await stream.written();
  assert.equal(output.text, "two\n… 1 line(s) lost\n");
});
