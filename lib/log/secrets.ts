/** Hides secrets whose values are known, and texts that look like secrets. Nothing here throws. */

import { hideByLook, mask } from "./hide_by_look.ts";
import { SecretIndex, shortestIndexed } from "./secret_index.ts";

/** Shorter texts are not hidden: they turn up in every second line by chance. */
const shortestSecret = shortestIndexed;

/** How many secrets are hidden that are neither kept for good nor owned, such as registry tokens. */
export const passingSecretLimit = 256;

/** How many secrets of owners are hidden for a while after their owner has replaced them. */
const formerSecretLimit = 256;

/** How many owners are remembered: more than a device may have apps, each of which is two. */
const ownerLimit = 2_048;

/** Texts of one owner, and their characters together; the rest is not hidden by its value. */
export const ownedSecretLimit = 256;
const ownedLimitChars = 65_536;

/** More than any token that is recognized by its look, so that truncating cannot leave a readable half of one. */
const cutMargin = 512;

/** Why a secret is hidden. */
interface Holding {
  isKept: boolean;
  owners: number;
}

/**
 * The secrets whose values are known. Invariants: each text of `#held` is in the index, and is kept, owned, or in one
 * of the two lists of those that pass.
 */
export class Secrets {
  readonly #index = new SecretIndex();
  readonly #held = new Map<string, Holding>();
  /** The secrets of each owner, oldest owner first. */
  readonly #owned = new Map<string, ReadonlySet<string>>();
  /** Oldest first. */
  readonly #passing = new Set<string>();
  readonly #former = new Set<string>();

  /**
   * Hides `text` from now on: for good with `isKept`, otherwise while it is among the newest 256. Adding it again makes
   * it the newest. Texts of less than 4 characters are ignored.
   */
  add(text: string, options: { isKept?: boolean } = {}): void {
    if (text.length < shortestSecret) return;
    const holding = this.#hold(text);
    if (options.isKept === true) holding.isKept = true;
    this.#passing.delete(text);
    if (!holding.isKept) this.#passing.add(text);
    this.#trim(this.#passing, passingSecretLimit);
  }

  /**
   * Hides the secrets of an owner until the next call for it, the first 256 with together 64 Ki characters. Those that
   * it no longer has are hidden while they are among the newest 256 of their kind. Only the newest 2048 owners are
   * remembered.
   */
  replaceOwned(owner: string, texts: readonly string[]): void {
    const former = this.#owned.get(owner);
    const held = boundedTexts(texts);
    for (const text of held) this.#hold(text).owners += 1;
    this.#owned.delete(owner);
    if (held.size > 0) this.#owned.set(owner, held);
    if (former !== undefined) this.#release(former);
    for (const [oldest, secrets] of this.#owned) {
      if (this.#owned.size <= ownerLimit) break;
      this.#owned.delete(oldest);
      this.#release(secrets);
    }
    this.#trim(this.#former, formerSecretLimit);
  }

  /** `text` with `***` instead of every known secret and of everything that looks like one. */
  hide(text: string): string {
    return hideByLook(this.#hideKnown(text));
  }

  /** Like `hide()`, truncated to about `limit` characters. No part of a known secret is left at the end. */
  hideAndCut(text: string, limit: number): string {
    if (text.length <= limit) return this.hide(text);
    const margin = Math.max(cutMargin, this.#index.longest);
    const hidden = this.hide(text.slice(0, limit + margin));
    // The end of a truncated text may be the first half of a secret.
    const isWhole = text.length <= limit + margin;
    const kept = isWhole ? limit : Math.max(0, Math.min(limit, hidden.length - margin));
    return `${hidden.slice(0, kept)}… (${text.length} characters)`;
  }

  #hold(text: string): Holding {
    const before = this.#held.get(text);
    if (before !== undefined) return before;
    const holding = { isKept: false, owners: 0 };
    this.#held.set(text, holding);
    this.#index.add(text);
    return holding;
  }

  #release(texts: ReadonlySet<string>): void {
    for (const text of texts) {
      const holding = this.#held.get(text);
      if (holding === undefined) continue;
      holding.owners -= 1;
      if (holding.owners > 0) continue;
      this.#former.delete(text);
      this.#former.add(text);
    }
  }

  #trim(list: Set<string>, limit: number): void {
    for (const oldest of list) {
      if (list.size <= limit) return;
      list.delete(oldest);
      const holding = this.#held.get(oldest);
      const isNeeded = holding === undefined || holding.isKept || holding.owners > 0 || this.#passing.has(oldest) ||
        this.#former.has(oldest);
      if (isNeeded) continue;
      this.#held.delete(oldest);
      this.#index.remove(oldest);
    }
  }

  #hideKnown(text: string): string {
    const index = this.#index;
    let shown = "";
    let done = 0;
    let hiddenTo = 0;
    for (let at = index.next(text, 0); at !== -1; at = index.next(text, at + 1)) {
      // Secrets may overlap, so the search continues at the next character, not after the match.
      if (at >= hiddenTo) shown += text.slice(done, at) + mask;
      hiddenTo = Math.max(hiddenTo, at + index.lengthAt(text, at));
      done = hiddenTo;
    }
    return done === 0 ? text : shown + text.slice(done);
  }
}

function boundedTexts(texts: readonly string[]): Set<string> {
  const bounded = new Set<string>();
  let chars = 0;
  for (const text of texts) {
    if (bounded.size >= ownedSecretLimit) break;
    if (text.length < shortestSecret || bounded.has(text) || chars + text.length > ownedLimitChars) continue;
    chars += text.length;
    bounded.add(text);
  }
  return bounded;
}
