/** Waits on the machine's clock. */

/**
 * Asks every 10 ms until the answer is defined, and returns it. Throws with the name of the wait when there is none
 * after `limitMs` (10 s unless given).
 */
export async function pollUntil<T>(
  what: string,
  ask: () => Promise<T | undefined>,
  { limitMs = 10_000 }: { limitMs?: number } = {},
): Promise<T> {
  const startedMs = performance.now();
  while (true) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    if (performance.now() - startedMs > limitMs) throw new Error(`Waited ${limitMs} ms in vain: ${what}`);
    await sleep(10);
  }
}

/** Resolves after `ms`. */
export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
