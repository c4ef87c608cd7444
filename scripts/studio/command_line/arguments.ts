/** Reads the words and options of a command. Pure. */

/** Thrown for an invalid command line; the message is for the user. */
export class UsageError extends Error {}

/** The options of a command. All have a value; `many` may be repeated. */
export type OptionKinds = Readonly<Record<string, "one" | "many">>;

/** The arguments of a command. */
export class Arguments {
  readonly words: readonly string[];
  readonly #values: ReadonlyMap<string, string[]>;

  constructor(words: readonly string[], values: ReadonlyMap<string, string[]>) {
    this.words = words;
    this.#values = values;
  }

  /** A word by its index; `readArguments()` has checked their number. */
  word(index: number): string {
    return this.words[index] ?? "";
  }

  /** The value of an option; undefined when it is absent. */
  text(name: string): string | undefined {
    return this.#values.get(name)?.at(-1);
  }

  /** All values of an option. */
  list(name: string): readonly string[] {
    return this.#values.get(name) ?? [];
  }

  /** The value of an option as a whole number. Throws `UsageError` when it is none. */
  count(name: string, defaultValue: number): number {
    const text = this.text(name);
    if (text === undefined) return defaultValue;
    if (!/^[0-9]{1,9}$/.test(text)) throw new UsageError(`--${name} must be a whole number, got "${text}"`);
    return Number(text);
  }
}

/**
 * Reads `--name value`, `--name=value` and words in any order; `--` ends the options. Throws `UsageError` for an
 * unknown option, one without a value or given twice, and for more or fewer words than allowed.
 */
export function readArguments(
  args: readonly string[],
  { options, least, most }: { options: OptionKinds; least: number; most: number },
): Arguments {
  const words: string[] = [];
  const values = new Map<string, string[]>();
  const rest = [...args];
  for (let arg = rest.shift(); arg !== undefined; arg = rest.shift()) {
    if (arg === "--") {
      words.push(...rest.splice(0));
    } else if (!arg.startsWith("--")) {
      words.push(arg);
    } else {
      const [name, given] = splitOption(arg);
      const kind = Object.hasOwn(options, name) ? options[name] : undefined;
      if (kind === undefined) throw new UsageError(`There is no option --${name} here`);
      const value = given ?? rest.shift();
      if (value === undefined) throw new UsageError(`--${name} needs a value`);
      const before = values.get(name) ?? [];
      if (kind === "one" && before.length > 0) throw new UsageError(`--${name} was given twice`);
      values.set(name, [...before, value]);
    }
  }
  if (words.length < least) throw new UsageError("An argument is missing");
  if (words.length > most) throw new UsageError(`"${words[most]}" is one argument too many`);
  return new Arguments(words, values);
}

/** `K=V` → value by name. Throws `UsageError`. */
export function readPairs(name: string, texts: readonly string[]): Record<string, string> {
  return Object.fromEntries(texts.map((text) => {
    const equals = text.indexOf("=");
    if (equals < 1) throw new UsageError(`--${name} must be NAME=VALUE, got "${text}"`);
    return [text.slice(0, equals), text.slice(equals + 1)];
  }));
}

/** `8080:http` or `8080` → a port rule with these members. Throws `UsageError`. */
export function readPort(text: string): { port: number; protocol: string } {
  const [, port, protocol = "http"] = /^([0-9]{1,5})(?::(http|https|tcp|udp))?$/.exec(text) ?? [];
  if (port === undefined || Number(port) < 1 || Number(port) > 65_535) {
    throw new UsageError(`--port must be PORT or PORT:PROTOCOL (http, https, tcp, udp), got "${text}"`);
  }
  return { port: Number(port), protocol };
}

/** Port rules, the first ones with the host ports that are reserved for them. Throws `UsageError`. */
export function readPorts(ports: readonly string[], reserved: readonly string[]): Record<string, unknown>[] {
  if (reserved.length > ports.length) throw new UsageError("--reserve belongs to a --port");
  return ports.map((text, index) => {
    const wanted = reserved[index];
    if (wanted === undefined) return readPort(text);
    if (!/^[0-9]{1,5}$/.test(wanted) || Number(wanted) > 65_535) {
      throw new UsageError(`--reserve must be a port, or 0 for none, got "${wanted}"`);
    }
    return { ...readPort(text), reserved_host_port: Number(wanted) };
  });
}

function splitOption(arg: string): [name: string, value: string | undefined] {
  const equals = arg.indexOf("=");
  return equals < 0 ? [arg.slice(2), undefined] : [arg.slice(2, equals), arg.slice(equals + 1)];
}
