/** Checks that the module from which the tunnel client is built, and the code, name the same version. Pure. */

import { neededGo, requiredFrp } from "../frp/recipe.ts";

/** The violations, one sentence each. `version` is what the code names. */
export function findVersionViolations(goMod: string, { version }: { version: string }): string[] {
  const violations: string[] = [];
  const required = requiredFrp(goMod);
  if (required !== version) {
    violations.push(`scripts/frp/go.mod requires frp ${required ?? "not at all"}, lib/version.ts names ${version}`);
  }
  const go = /^go (\S+)$/m.exec(goMod)?.[1] ?? "";
  const needed = `${neededGo.major}.${neededGo.minor}`;
  if (go !== needed && !go.startsWith(`${needed}.`)) {
    violations.push(`scripts/frp/go.mod is for Go ${go || "of no version"}, scripts/frp/recipe.ts for ${needed}`);
  }
  return violations;
}
