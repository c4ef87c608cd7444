/** Counts the HTTP requests of one connection from what its client sends. Pure. */

/** The name of a request without ids: `GET /containers/{}/json`. */
export type RequestName = string;

/**
 * Reads one connection.
 * - Bodies of a known length are skipped; after any other body, and after an upgrade, nothing more is counted.
 */
export class RequestCounter {
  // Latin-1 has one character per byte, so that lengths match.
  readonly #decoder = new TextDecoder("latin1");
  readonly #onRequest: (name: RequestName) => void;
  #text = "";
  #bodyBytes = 0;
  #isOpaque = false;

  constructor(onRequest: (name: RequestName) => void) {
    this.#onRequest = onRequest;
  }

  /** Adds bytes that the client has sent. */
  feed(bytes: Uint8Array): void {
    if (this.#isOpaque) return;
    this.#text += this.#decoder.decode(bytes, { stream: true });
    while (!this.#isOpaque && this.#skipBody()) {
      const end = this.#text.indexOf("\r\n\r\n");
      if (end < 0) return;
      const head = this.#text.slice(0, end);
      this.#text = this.#text.slice(end + 4);
      this.#readHead(head);
    }
  }

  /** Returns false while the body is incomplete, and when there is nothing left to read. */
  #skipBody(): boolean {
    const skipped = Math.min(this.#bodyBytes, this.#text.length);
    this.#text = this.#text.slice(skipped);
    this.#bodyBytes -= skipped;
    return this.#text !== "";
  }

  #readHead(head: string): void {
    const [, method, path] = /^([A-Z]+) (\S+) HTTP\/1\.[01]/.exec(head) ?? [];
    if (method === undefined || path === undefined) {
      this.#isOpaque = true;
      return;
    }
    this.#onRequest(requestName(method, path));
    this.#isOpaque = /^(upgrade|transfer-encoding):/im.test(head);
    this.#bodyBytes = Number(/^content-length:\s*(\d+)/im.exec(head)?.[1] ?? 0);
  }
}

/** Turns `GET /v1.45/containers/0a1b…/json?all=1` into `GET /containers/{}/json`. */
export function requestName(method: string, path: string): RequestName {
  const parts = (path.split("?")[0] ?? "").replace(/^\/v\d+\.\d+(?=\/)/, "").split("/");
  const [, kind, id, ...rest] = parts;
  const isCollection = id === undefined || rest.length === 0 && ["json", "create", "df", "prune"].includes(id);
  return `${method} /${isCollection ? parts.slice(1).join("/") : [kind, "{}", ...rest.slice(-1)].join("/")}`;
}
