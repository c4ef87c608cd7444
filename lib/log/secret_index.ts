/** Finds many known texts in another text. Pure. */

/** Shorter texts cannot be found. */
export const shortestIndexed = 4;

/** Longer texts are found in pieces of this length. */
const pieceChars = 256;

/** Forms of at least this length are told apart by as many characters at first. */
const longStartChars = 16;

/** When more long forms than this begin alike, whatever begins like them counts as one of them. */
const alikeLimit = 8;

const hashMask = 0xffff;

/** Forms that begin with the same four characters. */
interface Bucket {
  /** How many texts have each short form. */
  short: Map<string, number>;
  /** By their first sixteen characters. */
  long: Map<string, AlikeForms>;
}

/** Long forms that begin with the same sixteen characters. */
interface AlikeForms {
  /** Longest first; undefined when there were too many. */
  forms: string[] | undefined;
  count: number;
  longest: number;
}

/**
 * Known texts in all the forms in which they may appear. Adding and removing one takes no longer with many, and neither
 * does looking for them, whatever they are: a step per character, and a few comparisons where one may begin. Invariant:
 * `#starts` has the first two characters of every form.
 */
export class SecretIndex {
  readonly #starts = new Uint8Array(hashMask + 1);
  readonly #buckets = new Map<string, Bucket>();
  #longest = 0;

  /** At least the length of the longest form. */
  get longest(): number {
    return this.#longest;
  }

  /** Adds a text that is not there yet. */
  add(text: string): void {
    for (const form of formsOf(text)) {
      const start = form.slice(0, shortestIndexed);
      const bucket = this.#buckets.get(start) ?? { short: new Map(), long: new Map() };
      this.#buckets.set(start, bucket);
      if (form.length >= longStartChars) addLong(bucket.long, form);
      else bucket.short.set(form, (bucket.short.get(form) ?? 0) + 1);
      this.#starts[hashOf(form.charCodeAt(0), form.charCodeAt(1))] = 1;
      this.#longest = Math.max(this.#longest, form.length);
    }
  }

  /** Removes a text that was added. */
  remove(text: string): void {
    for (const form of formsOf(text)) {
      const start = form.slice(0, shortestIndexed);
      const bucket = this.#buckets.get(start);
      if (bucket === undefined) continue;
      if (form.length >= longStartChars) removeLong(bucket.long, form);
      else removeShort(bucket.short, form);
      if (bucket.short.size === 0 && bucket.long.size === 0) this.#buckets.delete(start);
    }
  }

  /** The first position from `from` on at which a known text begins; -1 when there is none. */
  next(text: string, from: number): number {
    if (this.#buckets.size === 0) return -1;
    const starts = this.#starts;
    const last = text.length - shortestIndexed;
    let unit = text.charCodeAt(from);
    for (let at = from; at <= last; at += 1) {
      const next = text.charCodeAt(at + 1);
      if (starts[hashOf(unit, next)] === 1 && this.lengthAt(text, at) > 0) return at;
      unit = next;
    }
    return -1;
  }

  /** The length of the longest known text that begins at a position; 0 when there is none. */
  lengthAt(text: string, at: number): number {
    const bucket = this.#buckets.get(text.slice(at, at + shortestIndexed));
    if (bucket === undefined) return 0;
    return longLengthAt(bucket.long, text, at) || shortLengthAt(bucket.short, text, at);
  }
}

function longLengthAt(long: Bucket["long"], text: string, at: number): number {
  const alike = long.size === 0 ? undefined : long.get(text.slice(at, at + longStartChars));
  if (alike === undefined) return 0;
  if (alike.forms === undefined) return Math.min(alike.longest, text.length - at);
  return alike.forms.find((form) => text.startsWith(form, at))?.length ?? 0;
}

function shortLengthAt(short: Bucket["short"], text: string, at: number): number {
  if (short.size === 0) return 0;
  for (let length = Math.min(longStartChars - 1, text.length - at); length >= shortestIndexed; length -= 1) {
    if (short.has(text.slice(at, at + length))) return length;
  }
  return 0;
}

function addLong(long: Bucket["long"], form: string): void {
  const start = form.slice(0, longStartChars);
  const alike = long.get(start) ?? { forms: [], count: 0, longest: 0 };
  alike.count += 1;
  alike.longest = Math.max(alike.longest, form.length);
  const forms = [...alike.forms ?? [], form].sort((a, b) => b.length - a.length);
  alike.forms = alike.forms === undefined || forms.length > alikeLimit ? undefined : forms;
  long.set(start, alike);
}

function removeLong(long: Bucket["long"], form: string): void {
  const start = form.slice(0, longStartChars);
  const alike = long.get(start);
  if (alike === undefined) return;
  alike.count -= 1;
  // Another text may have the same form, which is then there twice.
  const at = alike.forms?.indexOf(form) ?? -1;
  if (at !== -1) alike.forms?.splice(at, 1);
  if (alike.count <= 0) long.delete(start);
}

function removeShort(short: Bucket["short"], form: string): void {
  const count = (short.get(form) ?? 0) - 1;
  if (count > 0) short.set(form, count);
  else short.delete(form);
}

function hashOf(first: number, second: number): number {
  return (first * 257 + second) & hashMask;
}

/** The pieces of a secret as they are, in JSON, in JSON within JSON, and in a URL. */
function formsOf(text: string): ReadonlySet<string> {
  const forms = new Set<string>();
  for (const piece of piecesOf(text)) {
    const quoted = JSON.stringify(piece).slice(1, -1);
    forms.add(piece).add(quoted).add(JSON.stringify(quoted).slice(1, -1)).add(encodeURIComponent(piece.toWellFormed()));
  }
  return forms;
}

/** The last piece of a long text overlaps the one before it, so that all are of the same length. */
function piecesOf(text: string): string[] {
  if (text.length <= pieceChars) return [text];
  const pieces: string[] = [];
  for (let at = 0; at < text.length; at += pieceChars) {
    const from = Math.min(at, text.length - pieceChars);
    pieces.push(text.slice(from, from + pieceChars));
  }
  return pieces;
}
