/** Requests to the JSON API of Google Cloud Storage, repeated when the service or the network fails for a moment. */

/** What a request needs besides its URL. */
export interface BucketRequest {
  method?: string;
  headers?: Readonly<Record<string, string>>;
  body?: string | Uint8Array<ArrayBuffer>;
  /** More statuses that are an answer and no failure. */
  expects?: readonly number[];
}

/** How the API is reached. */
export interface BucketAccess {
  /** `https://storage.googleapis.com`; no slash at the end. */
  endpoint: string;
  /** Without one, requests are not authorised. */
  token: string | undefined;
  /** Waits between two tries. */
  wait(milliseconds: number): Promise<void>;
}

/** A request that the service has refused, or that has failed too often. */
export class BucketError extends Error {
  /** The status of the answer; 0 without one. */
  readonly status: number;

  constructor(message: string, { status, cause }: { status: number; cause?: unknown }) {
    super(message, { cause });
    this.status = status;
  }
}

const tries = 5;
const firstWaitMs = 500;
const requestLimitMs = 10 * 60_000;

/** Sends requests on connections of its own. */
export class BucketClient implements Disposable {
  readonly #access: BucketAccess;
  // Connections that stay open would outlive the task.
  readonly #client = Deno.createHttpClient({ poolMaxIdlePerHost: 0 });

  constructor(access: BucketAccess) {
    this.#access = access;
  }

  /** Where the API is. */
  get endpoint(): string {
    return this.#access.endpoint;
  }

  /**
   * The answer to a request; its body must be read or cancelled. Network errors and the statuses 408, 429 and 5xx are
   * tried again four times, after 0.5, 1, 2 and 4 s. Throws `BucketError` for any other status that is no success.
   */
  async send(url: string, request: BucketRequest = {}): Promise<Response> {
    for (let attempt = 1;; attempt += 1) {
      const outcome = await this.#trySend(url, request);
      if (outcome instanceof Response) return outcome;
      if (!outcome.isTransient || attempt === tries) throw outcome.error;
      await this.#access.wait(firstWaitMs * 2 ** (attempt - 1) * (0.8 + 0.4 * Math.random()));
    }
  }

  /** One try, with an answer that is complete; an upload decides itself how it goes on. */
  async sendOnce(url: string, request: BucketRequest): Promise<Response> {
    const outcome = await this.#trySend(url, request);
    if (!(outcome instanceof Response)) throw outcome.error;
    try {
      await outcome.arrayBuffer();
      return outcome;
    } catch (error) {
      throw new BucketError(`The answer of ${new URL(url).pathname} is incomplete`, { status: 0, cause: error });
    }
  }

  /** Waits as long as before the given try, which counts from 1. */
  async waitBefore(attempt: number): Promise<void> {
    await this.#access.wait(firstWaitMs * 2 ** (attempt - 1));
  }

  [Symbol.dispose](): void {
    this.#client.close();
  }

  async #trySend(
    url: string,
    request: BucketRequest,
  ): Promise<Response | { error: BucketError; isTransient: boolean }> {
    const { method = "GET", headers = {}, body, expects = [] } = request;
    const { token } = this.#access;
    const what = `${method} ${new URL(url).pathname}`;
    const all = { ...headers, ...(token === undefined ? {} : { authorization: `Bearer ${token}` }) };
    const signal = AbortSignal.timeout(requestLimitMs);
    let response: Response;
    try {
      response = await fetch(url, { method, headers: all, body, client: this.#client, redirect: "manual", signal });
    } catch (error) {
      return { error: new BucketError(`${what} failed`, { status: 0, cause: error }), isTransient: true };
    }
    if (response.ok || expects.includes(response.status)) return response;
    const { status } = response;
    const text = (await response.text().catch(() => "")).replaceAll(/\s+/g, " ").slice(0, 300);
    const error = new BucketError(`${what} was answered with status ${status}: ${text}`, { status });
    return { error, isTransient: isTransient(status) };
  }
}

/** Whether the service asks to try again. */
export function isTransient(status: number): boolean {
  return status === 0 || status === 408 || status === 429 || status >= 500;
}
