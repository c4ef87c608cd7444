/** Tells the log of an app what of its request could not be used: that is where its developer looks. */

import { type AppId, type AppIdText, type AppRequest, idText } from "../../model/app.ts";
import { describeUnreadable } from "../../model/port_rule.ts";
import type { LiveApp } from "../state/live_app.ts";

/** Lines about one request. */
const lineLimit = 20;

/** What was left out of the requests of all apps. */
export class LeftOutParts {
  readonly #say: (app: LiveApp, text: string) => void;
  /** Of the fields of the latest request. */
  readonly #fields = new Map<AppIdText, readonly string[]>();
  /** What an app's log has last been told. */
  readonly #said = new Map<AppIdText, ReadonlySet<string>>();

  /** `say` writes one line to the log of an app. */
  constructor({ say }: { say(app: LiveApp, text: string): void }) {
    this.#say = (app, text) => say(app, text);
  }

  /** Takes note of the fields that were left out of the latest request for an app. */
  note(id: AppId, texts: readonly string[]): void {
    if (texts.length === 0) this.#fields.delete(idText(id));
    else this.#fields.set(idText(id), texts);
  }

  /** Says it in the app's log. `isNews`: only what was not said the last time. */
  say(app: LiveApp, parts: { request: AppRequest; variables: readonly string[]; isNews: boolean }): void {
    const { request, variables, isNews } = parts;
    const name = idText(app.id);
    const all = [...this.#fields.get(name) ?? [], ...describeUnreadable(request.otherPorts), ...variables];
    const said = this.#said.get(name);
    const texts = isNews ? all.filter((text) => said?.has(text) !== true) : all;
    if (all.length === 0) this.#said.delete(name);
    else this.#said.set(name, new Set(all));
    const shown = texts.length > lineLimit ? texts.slice(0, lineLimit - 1) : texts;
    for (const text of shown) this.#say(app, `Warning: ${text}`);
    if (shown.length < texts.length) this.#say(app, `Warning: ${texts.length - shown.length} more parts are left out`);
  }

  /** Forgets an app that is gone. */
  forget(id: AppId): void {
    this.#fields.delete(idText(id));
    this.#said.delete(idText(id));
  }
}
