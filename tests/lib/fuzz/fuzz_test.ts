/**
 * Every decoder of foreign data with thousands of hostile inputs, made from good ones with a fixed seed: it never fails
 * with anything but an error of ours, never holds up the event loop for more than 50 ms, and never returns more than
 * its bound.
 */

import assert from "node:assert/strict";
import { AgentError } from "../../../lib/base/errors.ts";
import { foreignDecoders } from "./foreign_decoders.ts";
import { mutateBytes, mutateValue, randomOf } from "./mutations.ts";

/** Of the event loop, for one input. */
const stallLimitMs = 50;

/** A stall that another program on this machine has caused does not happen again with the same input. */
const attempts = 5;

const inputsPerSeed = 400;
const encoder = new TextEncoder();

for (const { name, seeds, decode, limitChars, ownErrors = [] } of foreignDecoders) {
  Deno.test(`${name} survives hostile input`, () => {
    for (const [seedNumber, seed] of seeds.entries()) {
      const random = randomOf(seedNumber + 1);
      const original = seed instanceof Uint8Array ? seed : typeof seed === "string" ? encoder.encode(seed) : undefined;
      for (let number = 0; number < inputsPerSeed; number += 1) {
        const input = original === undefined ? mutateValue(seed, random) : mutateBytes(original, random);
        const where = `${name}, seed ${seedNumber}, input ${number}`;
        const answerChars = decodeWithin(() => decode(input), { where, ownErrors });
        assert.ok(answerChars <= limitChars, `${where}: the answer has ${answerChars} characters`);
      }
    }
    assert.equal(Object.hasOwn(Object.prototype, "polluted"), false);
  });
}

/** Runs the decoder until one attempt is quick enough. Returns the size of its answer, or of the text of its error. */
function decodeWithin(
  decode: () => unknown,
  { where, ownErrors }: { where: string; ownErrors: readonly (new (...args: never[]) => Error)[] },
): number {
  let tookMs = Infinity;
  for (let attempt = 0; attempt < attempts; attempt += 1) {
    const beganMs = performance.now();
    let answer: unknown;
    try {
      answer = decode();
    } catch (error) {
      const isOurs = error instanceof AgentError || ownErrors.some((kind) => error instanceof kind);
      if (!isOurs) throw new Error(`${where}: ${error instanceof Error ? error.stack : error}`);
      answer = error instanceof Error ? error.message : "";
    }
    tookMs = Math.min(tookMs, performance.now() - beganMs);
    if (tookMs <= stallLimitMs) return sizeOf(answer);
  }
  throw new Error(`${where}: the event loop stood for ${Math.round(tookMs)} ms`);
}

function sizeOf(answer: unknown): number {
  if (typeof answer === "string") return answer.length;
  return JSON.stringify(answer ?? null)?.length ?? 0;
}
