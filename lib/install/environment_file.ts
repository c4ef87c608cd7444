/** The file with variables of the service. Pure. Source: systemd.exec(5), `EnvironmentFile=`. */

/** The variables for a proxy: what is on the machine itself is reached without it. */
export function proxyOfService(proxy: string): Record<string, string> {
  return { HTTP_PROXY: proxy, HTTPS_PROXY: proxy, NO_PROXY: "localhost,127.0.0.1" };
}

/** `text` with these variables; other lines stay. Values have no control characters. */
export function mergeEnvironment(text: string, variables: Readonly<Record<string, string>>): string {
  const names = Object.keys(variables);
  const lines = text.split("\n").filter((line) => line !== "" && !names.includes(line.split("=")[0]?.trim() ?? ""));
  const quote = (value: string) => `"${value.replaceAll(/[\\"$`]/g, (character) => `\\${character}`)}"`;
  return [...lines, ...names.map((name) => `${name}=${quote(variables[name] ?? "")}`), ""].join("\n");
}

/** The variables in such a text. What is no line with a variable is passed over. */
export function readEnvironmentText(text: string): Record<string, string> {
  const lines = text.split("\n").flatMap((line) => {
    const [, name, value = ""] = /^\s*(\w+)=(.*)$/.exec(line) ?? [];
    return name === undefined ? [] : [[name, unquote(value.trim())]];
  });
  return Object.fromEntries(lines);
}

function unquote(value: string): string {
  if (/^".*"$/.test(value)) return value.slice(1, -1).replaceAll(/\\([\\"$`])/g, "$1");
  return /^'.*'$/.test(value) ? value.slice(1, -1) : value;
}
