/** The tunnel client in a bill of materials: a program of its own, made of Go modules. */

import * as Enums from "@cyclonedx/cyclonedx-library/Enums";
import * as Models from "@cyclonedx/cyclonedx-library/Models";
import { requiredModules } from "../../frp/recipe.ts";

const frpModule = "github.com/fatedier/frp";

/** The client, which depends on the others, and the modules that the `go.mod` of its build names. */
export function clientComponents(goMod: string): { client: Models.Component; modules: Models.Component[] } {
  const all = requiredModules(goMod);
  const version = all.find(({ path }) => path === frpModule)?.version ?? "";
  const client = componentOf(Enums.ComponentType.Application, { name: "frpc", path: frpModule, version });
  client.licenses.add(new Models.SpdxLicense("Apache-2.0"));
  const modules = all.filter(({ path }) => path !== frpModule).map(({ path, version }) =>
    componentOf(Enums.ComponentType.Library, { name: path, path, version })
  );
  for (const { bomRef } of modules) client.dependencies.add(bomRef);
  return { client, modules };
}

function componentOf(
  type: Enums.ComponentType,
  { name, path, version }: { name: string; path: string; version: string },
): Models.Component {
  const purl = `pkg:golang/${path}@${version}`;
  return new Models.Component(type, name, { version, purl, bomRef: purl });
}
