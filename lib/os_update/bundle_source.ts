/** Which update the operating system wants: where its bundle comes from, and what the file is called. */

import { AgentError, textOf } from "../base/errors.ts";
import { show } from "../base/json.ts";
import { openPlainFile } from "../files/plain_file.ts";
import { osCodeOf } from "../files/os_error.ts";

/** A bundle of the update system. */
export interface BundleSource {
  url: URL;
  /** The last part of the URL's path. Safe as a name in any folder. */
  fileName: string;
}

/** A longer file is not the one of the update system. */
const sourceLimitBytes = 65_536;

const urlLimitChars = 4_096;

/** Not hidden, no option of a program, and nothing that a shell or a terminal treats in a special way. */
const safeName = /^[A-Za-z0-9][A-Za-z0-9._+~%@=-]{0,127}$/;

/** What lies in the same folder, and is no bundle. */
const foreignName = /\.(?:lock|sock|socket|pid|tmp|json)$/i;

/**
 * Reads the file in which the system names its update. Throws `not_available` when there is none, `io_failed`,
 * `bad_request` for a line that cannot be read, `denied` for a URL that is not used.
 */
export async function readBundleSource(path: string): Promise<BundleSource> {
  let text: string;
  try {
    await using file = await openPlainFile(path);
    const buffer = new Uint8Array(sourceLimitBytes);
    const { bytesRead } = await file.read(buffer, 0, buffer.length, 0);
    text = new TextDecoder().decode(buffer.subarray(0, bytesRead));
  } catch (error) {
    if (osCodeOf(error) === "ENOENT") {
      throw new AgentError("not_available", `This system names no update: there is no file "${path}"`);
    }
    throw new AgentError("io_failed", `Cannot read "${path}": ${textOf(error)}`, { cause: error });
  }
  return bundleSource(text, path);
}

/**
 * The update that the first line of the text names: its third field, after commas, is the URL. Only http and https are
 * used, without a login. Throws `bad_request`, `denied`. Pure.
 */
export function bundleSource(text: string, path: string): BundleSource {
  const fields = (text.split("\n", 1)[0] ?? "").split(",");
  const address = fields[2]?.trim();
  if (address === undefined || address === "") {
    throw new AgentError("bad_request", `Cannot read "${path}": its first line has no third field with a URL`);
  }
  const url = address.length > urlLimitChars ? null : URL.parse(address);
  if (url === null) {
    throw new AgentError("bad_request", `Cannot read "${path}": ${show(address)} is no URL`);
  }
  if (url.protocol !== "https:" && url.protocol !== "http:") {
    throw new AgentError(
      "denied",
      `Refused the update that "${path}" names: ${show(url.protocol)} is not http or https`,
    );
  }
  if (url.username !== "" || url.password !== "") {
    throw new AgentError("denied", `Refused the update that "${path}" names: its URL holds a login`);
  }
  // The parser has resolved all ".." in the path, also those that are spelled with %.
  const fileName = url.pathname.split("/").at(-1) ?? "";
  if (!safeName.test(fileName) || foreignName.test(fileName)) {
    throw new AgentError("denied", `Refused the update that "${path}" names: ${show(fileName)} is no name of a bundle`);
  }
  return { url, fileName };
}
