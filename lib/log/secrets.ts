/** Hides secrets whose values are known, and texts that look like secrets. Nothing here throws. */

import { hideByLook, mask } from "./hide_by_look.ts";

/** Shorter texts are not hidden: they turn up in every second line by chance. */
export const shortestSecret = 4;

/** How many secrets are hidden that are neither kept for good nor owned, such as registry tokens. */
export const passingSecretLimit = 256;

/** How many owners are remembered: more than a device has apps. */
const ownerLimit = 256;

/** More than any token that is recognized by its look, so that truncating cannot leave a readable half of one. */
const cutMargin = 512;

/**
 * The secrets whose values are known. Invariants: `#starts` matches wherever one of `#byStart` may begin; `#longest` is
 * at least the length of each.
 */
export class Secrets {
  /** Each secret with the forms in which it may appear, oldest first. `isKept`: for good. */
  readonly #known = new Map<string, { forms: string[]; isKept: boolean }>();
  /** The secrets of each owner, oldest owner first. */
  readonly #owned = new Map<string, ReadonlySet<string>>();
  #byStart = new Map<string, string[]>();
  #starts: RegExp | undefined;
  #longest = 0;

  /**
   * Hides `text` from now on: for good with `isKept`, otherwise while it is among the newest 256. Adding it again makes
   * it the newest. Texts of less than 4 characters are ignored.
   */
  add(text: string, options: { isKept?: boolean } = {}): void {
    if (text.length < shortestSecret) return;
    const before = this.#known.get(text);
    this.#known.delete(text);
    this.#known.set(text, {
      forms: before?.forms ?? formsOf(text),
      isKept: options.isKept === true || before?.isKept === true,
    });
    if (before !== undefined) return;
    this.#forgetOldest();
    this.#index();
  }

  /**
   * Hides the secrets of an owner until the next call for it. Then those that it no longer has count among the newest
   * 256. Only the newest 256 owners are remembered.
   */
  replaceOwned(owner: string, texts: readonly string[]): void {
    const former = this.#owned.get(owner) ?? [];
    this.#owned.delete(owner);
    if (texts.length > 0) this.#owned.set(owner, new Set(texts));
    for (const [oldest] of [...this.#owned].slice(0, Math.max(0, this.#owned.size - ownerLimit))) {
      this.#owned.delete(oldest);
    }
    for (const text of [...former, ...texts]) this.add(text);
  }

  /** `text` with `***` instead of every known secret and of everything that looks like one. */
  hide(text: string): string {
    return hideByLook(this.#hideKnown(text));
  }

  /** Like `hide()`, truncated to about `limit` characters. No part of a known secret is left at the end. */
  hideAndCut(text: string, limit: number): string {
    if (text.length <= limit) return this.hide(text);
    const margin = Math.max(cutMargin, this.#longest);
    const hidden = this.hide(text.slice(0, limit + margin));
    // The end of a truncated text may be the first half of a secret.
    const isWhole = text.length <= limit + margin;
    const kept = isWhole ? limit : Math.max(0, Math.min(limit, hidden.length - margin));
    return `${hidden.slice(0, kept)}… (${text.length} characters)`;
  }

  #hideKnown(text: string): string {
    const starts = this.#starts;
    if (starts === undefined) return text;
    let shown = "";
    let done = 0;
    let hiddenTo = 0;
    starts.lastIndex = 0;
    for (let match = starts.exec(text); match !== null; match = starts.exec(text)) {
      const { index } = match;
      const length = this.#lengthAt(text, index);
      // Secrets may overlap, so the search continues at the next character, not after the match.
      starts.lastIndex = index + 1;
      if (length === 0) continue;
      if (index >= hiddenTo) {
        shown += text.slice(done, index) + mask;
      }
      hiddenTo = Math.max(hiddenTo, index + length);
      done = hiddenTo;
    }
    return done === 0 ? text : shown + text.slice(done);
  }

  #lengthAt(text: string, index: number): number {
    const candidates = this.#byStart.get(text.slice(index, index + shortestSecret)) ?? [];
    return candidates.find((secret) => text.startsWith(secret, index))?.length ?? 0;
  }

  #forgetOldest(): void {
    const owned = new Set([...this.#owned.values()].flatMap((texts) => [...texts]));
    const passing = [...this.#known].filter(([text, { isKept }]) => !isKept && !owned.has(text));
    for (const [text] of passing.slice(0, Math.max(0, passing.length - passingSecretLimit))) this.#known.delete(text);
  }

  #index(): void {
    const forms = [...this.#known.values()].flatMap((secret) => secret.forms).sort((a, b) => b.length - a.length);
    this.#longest = forms[0]?.length ?? 0;
    this.#byStart = Map.groupBy(forms, (form) => form.slice(0, shortestSecret));
    this.#starts = new RegExp([...this.#byStart.keys()].map((start) => RegExp.escape(start)).join("|"), "g");
  }
}

/** A secret as it is, in JSON, in JSON within JSON, and in a URL. */
function formsOf(text: string): string[] {
  const quoted = JSON.stringify(text).slice(1, -1);
  return [...new Set([text, quoted, JSON.stringify(quoted).slice(1, -1), encodeURIComponent(text.toWellFormed())])];
}
