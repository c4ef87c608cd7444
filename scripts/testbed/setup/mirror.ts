/** Finds the Debian mirror that the system itself uses, so that the project need not name one. */

/** A mirror and the keyring for its signatures. */
export interface Mirror {
  url: string;
  /** The path of the keyring. */
  signedBy: string;
}

const releases = [
  "bullseye",
  "bookworm",
  "trixie",
  "forky",
  "oldoldstable",
  "oldstable",
  "stable",
  "testing",
  "unstable",
  "sid",
];
const standardKeyring = "/usr/share/keyrings/debian-archive-keyring.gpg";

/** The first mirror of Debian's main archive in apt's source files, which have one of two formats. Pure. */
export function findMirror(files: readonly { path: string; text: string }[]): Mirror | undefined {
  for (const { path, text } of files) {
    const found = path.endsWith(".sources") ? findInStanzas(text) : findInLines(text);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Reads apt's source files. */
export async function readSources(folder = "/etc/apt"): Promise<{ path: string; text: string }[]> {
  const paths = [`${folder}/sources.list`];
  try {
    for await (const entry of Deno.readDir(`${folder}/sources.list.d`)) {
      if (/\.(list|sources)$/.test(entry.name)) paths.push(`${folder}/sources.list.d/${entry.name}`);
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  const files: { path: string; text: string }[] = [];
  for (const path of paths.sort()) {
    try {
      files.push({ path, text: await Deno.readTextFile(path) });
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
  return files;
}

/** `deb [signed-by=FILE] URL SUITE COMPONENT…` */
function findInLines(text: string): Mirror | undefined {
  for (const line of text.split("\n")) {
    const match = /^\s*deb\s+(?:\[([^\]]*)\]\s+)?(\S+)\s+(\S+)\s+(.*)$/.exec(line);
    if (match === null) continue;
    const [, options = "", url = "", suite = "", components = ""] = match;
    if (isMain([suite], components.split(/\s+/))) {
      return mirror(url, /signed-by=(\S+)/.exec(options)?.[1]);
    }
  }
  return undefined;
}

/** Stanzas of `Name: value` lines; a line that begins with a space continues the previous one. */
function findInStanzas(text: string): Mirror | undefined {
  const plain = text.split("\n").filter((line) => !line.startsWith("#")).join("\n");
  for (const stanza of plain.split(/\n\s*\n/)) {
    const fields = new Map<string, string>();
    for (const line of stanza.replace(/\n[ \t]+/g, " ").split("\n")) {
      const colon = line.indexOf(":");
      if (colon > 0) fields.set(line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim());
    }
    const words = (name: string) => (fields.get(name) ?? "").split(/\s+/).filter((word) => word !== "");
    const url = words("uris")[0];
    const isUsed = words("types").includes("deb") && fields.get("enabled")?.toLowerCase() !== "no";
    if (isUsed && url !== undefined && isMain(words("suites"), words("components"))) {
      return mirror(url, words("signed-by")[0]);
    }
  }
  return undefined;
}

function isMain(suites: readonly string[], components: readonly string[]): boolean {
  return components.includes("main") && suites.some((suite) => releases.includes(suite));
}

function mirror(url: string, signedBy: string | undefined): Mirror {
  return { url, signedBy: signedBy?.startsWith("/") ? signedBy : standardKeyring };
}
