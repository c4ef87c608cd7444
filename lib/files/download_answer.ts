/** Decides whether an answer of a server can be the file that is downloaded. Pure. */

/** Which part of the file an answer holds. */
export interface ExpectedPart {
  /** 0 or what is there already. */
  from: number;
  /** Size of the whole file; undefined when the server does not say. */
  total: number | undefined;
}

/** What a server tells versions of a file apart by; what it does not say is empty, or undefined. */
export interface FileIdentity {
  etag: string;
  lastModified: string;
  /** Of the whole file. */
  sizeBytes: number | undefined;
}

/** What is there already. */
export interface Present {
  have: number;
  limitBytes: number;
  /** Of the file that it is a part of; undefined when that is not known. */
  identity?: FileIdentity | undefined;
}

/** What is done with an answer. */
export type AnswerVerdict =
  | { kind: "take" } & ExpectedPart
  /** What is there already is the file. */
  | { kind: "complete" }
  /** What is there already is not of this file. */
  | { kind: "startOver"; because: string }
  /** No file is to be had, now or at all. */
  | { kind: "failed"; because: string; mayPass: boolean }
  /** It is something else. */
  | { kind: "refused"; because: string };

/** Longer texts in the head of an answer are cut. */
const identityChars = 200;

/** Statuses of servers that are busy or about to restart. */
const passingStatuses: ReadonlySet<number> = new Set([408, 425, 429, 500, 502, 503, 504]);

/** What to do with an answer when `have` bytes are there, and the request was for the rest. */
export function judgeAnswer(
  { status, headers }: Pick<Response, "status" | "headers">,
  { have, limitBytes, identity }: Present,
): AnswerVerdict {
  if (status === 416 && have > 0) return judgeUnsatisfiable(headers, { have, identity });
  if (status !== 200 && !(status === 206 && have > 0)) {
    return { kind: "failed", because: `the answer has status ${status}`, mayPass: passingStatuses.has(status) };
  }
  const foreign = foreignContent(headers);
  if (foreign !== undefined) return { kind: "refused", because: foreign };
  const part = status === 206 ? readByteRange(headers, have) : { from: 0, total: readLength(headers) };
  if (typeof part === "string") return { kind: "refused", because: part };
  const { total } = part;
  if (total === 0) return { kind: "refused", because: "it is empty" };
  if (total !== undefined && total > limitBytes) {
    return { kind: "refused", because: `it has ${total} bytes, and at most ${limitBytes} are taken` };
  }
  const isPart = status === 206 && identity !== undefined;
  if (isPart && isOther(identity, readIdentity(headers, part))) {
    return { kind: "startOver", because: "the file has changed meanwhile" };
  }
  return { kind: "take", ...part };
}

/** What an answer says of the file that it holds. */
export function readIdentity(headers: Headers, { total }: Pick<ExpectedPart, "total">): FileIdentity {
  const text = (name: string) => (headers.get(name) ?? "").trim().slice(0, identityChars);
  return { etag: text("etag"), lastModified: text("last-modified"), sizeBytes: total };
}

/**
 * The value of `If-Range`, by which the server sends the whole file when it is another one; undefined when it has named
 * nothing that is good for it: a weak tag is not. Source: RFC 9110, 13.1.5.
 */
export function ifRangeOf({ etag, lastModified }: FileIdentity): string | undefined {
  if (/^"[^"]*"$/.test(etag)) return etag;
  return lastModified === "" ? undefined : lastModified;
}

/** Why the first bytes cannot be those of such a file; undefined when they can. */
export function contentRefusal(block: Uint8Array): string | undefined {
  const head = new TextDecoder().decode(block.subarray(0, 64)).trimStart();
  return head.startsWith("<") ? "it is a web page or XML" : undefined;
}

/** What only one side says is no difference. */
function isOther(one: FileIdentity, other: FileIdentity): boolean {
  const differ = <T>(first: T, second: T, unknown: T) => first !== unknown && second !== unknown && first !== second;
  return differ(one.etag, other.etag, "") || differ(one.lastModified, other.lastModified, "") ||
    differ(one.sizeBytes, other.sizeBytes, undefined);
}

function judgeUnsatisfiable(headers: Headers, { have, identity }: Omit<Present, "limitBytes">): AnswerVerdict {
  const [, size] = /^bytes \*\/(\d{1,15})$/.exec(headers.get("content-range") ?? "") ?? [];
  const isSame = identity === undefined || !isOther(identity, readIdentity(headers, { total: undefined }));
  if (size !== undefined && Number(size) === have && isSame) return { kind: "complete" };
  return { kind: "startOver", because: `the file does not have the ${have} bytes that are there` };
}

function foreignContent(headers: Headers): string | undefined {
  const type = (headers.get("content-type") ?? "").split(";")[0]?.trim().toLowerCase() ?? "";
  if (["text/html", "application/xhtml+xml"].includes(type)) return `it is a web page, of type ${type}`;
  const encoding = (headers.get("content-encoding") ?? "identity").trim().toLowerCase();
  if (encoding !== "identity") return "it is compressed, which was not asked for";
  return undefined;
}

function readByteRange(headers: Headers, have: number): ExpectedPart | string {
  const text = headers.get("content-range") ?? "";
  const [, first, , total] = /^bytes (\d{1,15})-(\d{1,15})\/(\d{1,15}|\*)$/.exec(text) ?? [];
  if (first === undefined) return "it is a part of the file, without saying which";
  if (Number(first) !== have) return `it is the part from byte ${first}, and that from byte ${have} was asked for`;
  if (total === "*" || total === undefined) return { from: have, total: undefined };
  return Number(total) > have ? { from: have, total: Number(total) } : "its part is not within the file";
}

function readLength(headers: Headers): number | undefined {
  const text = headers.get("content-length");
  return text !== null && /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}
