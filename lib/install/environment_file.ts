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
