/** Lets many who ask for the same thing at the same time share one answer. Pure but for the read itself. */

import { orAborted, throwIfAborted } from "./deadline.ts";

/** A read that is under way or about to begin, and how many wait for it. */
interface Round<T> {
  answer: Promise<T>;
  life: AbortController;
  askers: number;
}

/**
 * `read`, at most once at a time. Who asks while a read is under way waits for the next one and shares it, so that no answer is older
 * than its question. A read is aborted when nobody waits for it any more. Throws what `read` throws, and `canceled`.
 */
export function singleFlight<T>(read: (signal: AbortSignal) => Promise<T>): (signal: AbortSignal) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve();
  let next: Round<T> | undefined;
  const begin = (): Round<T> => {
    const life = new AbortController();
    const answer = last.then(() => {
      if (next === round) next = undefined;
      throwIfAborted(life.signal, "A read that nobody waits for");
      return read(life.signal);
    });
    const round = { answer, life, askers: 0 };
    // The one after it begins however this one ends.
    last = answer.catch(() => {});
    return round;
  };
  return async (signal) => {
    const round = next ??= begin();
    round.askers += 1;
    try {
      return await orAborted(round.answer, { what: "The wait for a shared answer", signal });
    } finally {
      round.askers -= 1;
      if (round.askers === 0) {
        if (next === round) next = undefined;
        round.life.abort();
      }
    }
  };
}
