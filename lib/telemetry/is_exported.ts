/** Whether the runtime sends measurements and spans as OpenTelemetry. */

/** As the runtime reads its variable. */
export function isExported(environment: { get(name: string): string | undefined }): boolean {
  return ["true", "1"].includes(environment.get("OTEL_DENO") ?? "");
}
