/** Writes a CycloneDX bill of materials: the agent, its packages, and the runtime it is embedded in. */

import * as Enums from "@cyclonedx/cyclonedx-library/Enums";
import * as Models from "@cyclonedx/cyclonedx-library/Models";
import * as Serialize from "@cyclonedx/cyclonedx-library/Serialize";
import * as SPDX from "@cyclonedx/cyclonedx-library/SPDX";
import * as Spec from "@cyclonedx/cyclonedx-library/Spec";
import { clientComponents } from "./go_modules.ts";
import type { PackageFacts } from "./packages.ts";

/** What a bill is about. */
export interface Subject {
  version: string;
  /** The file that it belongs to; absent for the program as such. */
  file?: { name: string; sha256: string };
  /** The version of the runtime in the file. */
  runtime?: string;
  packages: readonly PackageFacts[];
  /** The `go.mod` of the tunnel client in the file. */
  clientModule?: string;
  /** Seconds since 1970; the same sources give the same bill. */
  timestamp?: number;
}

/** The text of the bill, as JSON of CycloneDX 1.6. */
export function writeBill(subject: Subject): string {
  const bom = new Models.Bom();
  if (subject.timestamp !== undefined) bom.metadata.timestamp = new Date(subject.timestamp * 1_000);
  if (subject.file !== undefined) bom.serialNumber = serialNumberOf(subject.file.sha256);
  const root = rootOf(subject);
  bom.metadata.component = root;
  const byName = new Map(subject.packages.map((one) => [one.name, { facts: one, component: packageOf(one) }]));
  for (const { facts, component } of byName.values()) {
    bom.components.add(component);
    for (const name of facts.uses) {
      const used = byName.get(name);
      if (used !== undefined) component.dependencies.add(used.component.bomRef);
    }
  }
  const isUsed = (name: string) => subject.packages.some(({ uses }) => uses.includes(name));
  for (const [name, { component }] of byName) if (!isUsed(name)) root.dependencies.add(component.bomRef);
  if (subject.runtime !== undefined) {
    const runtime = runtimeOf(subject.runtime);
    bom.components.add(runtime);
    root.dependencies.add(runtime.bomRef);
  }
  if (subject.clientModule !== undefined) addClient(bom, root, subject.clientModule);
  const serializer = new Serialize.JsonSerializer(new Serialize.JSON.Normalize.Factory(Spec.Spec1dot6));
  return `${serializer.serialize(bom, { sortLists: true, space: 2 })}\n`;
}

function addClient(bom: Models.Bom, root: Models.Component, clientModule: string): void {
  const { client, modules } = clientComponents(clientModule);
  for (const component of [client, ...modules]) bom.components.add(component);
  root.dependencies.add(client.bomRef);
}

function rootOf({ version, file }: Subject): Models.Component {
  const root = new Models.Component(Enums.ComponentType.Application, "reagent", {
    version,
    bomRef: `reagent@${version}`,
    description: file?.name,
  });
  root.licenses.add(new Models.SpdxLicense("Apache-2.0"));
  if (file !== undefined) root.hashes.set(Enums.HashAlgorithm["SHA-256"], file.sha256);
  return root;
}

function packageOf({ name, version, license, description, integrity }: PackageFacts): Models.Component {
  const [scope, plain] = name.startsWith("@") ? name.split("/") : [undefined, name];
  const purl = `pkg:npm/${name.replace("@", "%40")}@${version}`;
  const component = new Models.Component(Enums.ComponentType.Library, plain ?? name, {
    ...(scope === undefined ? {} : { group: scope }),
    version,
    purl,
    bomRef: purl,
    ...(description === undefined ? {} : { description }),
  });
  if (license !== undefined) component.licenses.add(licenseOf(license));
  const [, hash] = /^sha512-([A-Za-z0-9+/=]+)$/.exec(integrity ?? "") ?? [];
  if (hash !== undefined) component.hashes.set(Enums.HashAlgorithm["SHA-512"], hexOf(hash));
  return component;
}

function licenseOf(name: string): Models.SpdxLicense | Models.NamedLicense {
  return SPDX.isSupportedSpdxId(name) ? new Models.SpdxLicense(name) : new Models.NamedLicense(name);
}

function runtimeOf(version: string): Models.Component {
  const purl = `pkg:github/denoland/deno@v${version}`;
  const component = new Models.Component(Enums.ComponentType.Platform, "deno", { version, purl, bomRef: purl });
  component.licenses.add(new Models.SpdxLicense("MIT"));
  return component;
}

function hexOf(base64: string): string {
  return [...atob(base64)].map((char) => char.charCodeAt(0).toString(16).padStart(2, "0")).join("");
}

/** A UUID made from the digest of the file, so that the same file has the same bill. */
function serialNumberOf(sha256: string): string {
  const [a, b, c, d, e] = [0, 8, 13, 17, 20].map((at, index) => sha256.slice(at, at + ([8, 4, 3, 3, 12][index] ?? 0)));
  return `urn:uuid:${a}-${b}-4${c}-8${d}-${e}`;
}
