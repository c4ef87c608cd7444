/** Makes hostile inputs from good ones: seeded, so that a failure can be repeated. Pure. */

/** Numbers from 0 to 1, the same for the same seed. */
export function randomOf(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const oddTexts = [
  "",
  " ",
  "\u0000",
  "\ud800",
  "\u202e",
  "\u001b[2J",
  "..",
  "../../etc/passwd",
  "%d%s%n",
  "__proto__",
  "constructor",
  "-1",
  "1e309",
  "99999999999999999999",
  "x".repeat(5_000),
  "é".repeat(5_000),
  "\n".repeat(2_000),
];

const oddNumbers = [0, -0, -1, 0.5, 1e300, -1e300, 2 ** 31, 2 ** 53, 2 ** 53 + 2, Number.MAX_VALUE];

/** A value that no decoder expects in its place. */
export function oddValue(random: () => number): unknown {
  const pick = <T>(values: readonly T[]): T | undefined => values[Math.floor(random() * values.length)];
  const kinds: (() => unknown)[] = [
    () => null,
    () => random() < 0.5,
    () => pick(oddNumbers),
    () => pick(oddTexts),
    () => [],
    () => ({}),
    () => nested(Math.floor(random() * 300)),
    () => Array.from({ length: Math.floor(random() * 3_000) }, () => pick([null, 1, "x", [], {}])),
    () => Object.fromEntries(Array.from({ length: Math.floor(random() * 1_000) }, (_, index) => [`k${index}`, index])),
    () => JSON.parse('{"__proto__": {"polluted": true}, "toString": 1, "length": -1}'),
  ];
  return pick(kinds)?.();
}

/** The value with some of its members replaced, removed, repeated or added, at any depth. */
export function mutateValue(value: unknown, random: () => number): unknown {
  if (random() < 0.05) return oddValue(random);
  if (Array.isArray(value)) {
    const items = value.flatMap((item) => {
      const luck = random();
      if (luck < 0.05) return [];
      return luck < 0.1 ? [item, item] : [mutateValue(item, random)];
    });
    return random() < 0.1 ? [...items, oddValue(random)] : items;
  }
  if (typeof value !== "object" || value === null) return random() < 0.1 ? oddValue(random) : value;
  const members = Object.entries(value).filter(() => random() > 0.05);
  const mutated = Object.fromEntries(members.map(([name, member]) => [name, mutateValue(member, random)]));
  return random() < 0.1 ? { ...mutated, [String(oddTexts[Math.floor(random() * oddTexts.length)])]: 1 } : mutated;
}

/** The bytes with some of them changed, cut out, repeated or replaced by noise. */
export function mutateBytes(bytes: Uint8Array, random: () => number): Uint8Array<ArrayBuffer> {
  const mutated = [...bytes];
  for (let change = Math.floor(random() * 8); change >= 0; change -= 1) {
    const at = Math.floor(random() * (mutated.length + 1));
    const size = Math.floor(random() ** 3 * 200);
    const kinds = [
      () => mutated.splice(at, size),
      () => mutated.splice(at, 1, Math.floor(random() * 256)),
      () => mutated.splice(at, 0, ...mutated.slice(at, at + size)),
      () => mutated.splice(at, 0, ...Array.from({ length: size }, () => Math.floor(random() * 256))),
    ];
    kinds[Math.floor(random() * kinds.length)]?.();
  }
  return Uint8Array.from(mutated);
}

function nested(depth: number): unknown {
  let value: unknown = "deep";
  for (let level = 0; level < depth; level += 1) value = level % 2 === 0 ? [value] : { a: value };
  return value;
}
