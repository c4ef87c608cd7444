/** Images of the store are pulled from the registry that the device itself uses. Pure. */

import { registryHostOf, splitReference } from "../../docker/registry.ts";
import type { NamingFacts } from "../../model/app_names.ts";

/** What makes an image one of the store. */
export interface StoreImages extends Pick<NamingFacts, "registryUrl" | "mainRepository"> {
  appKey: number;
  appName: string;
}

/**
 * The reference with the device's own registry as its host, if it is an image of this app in the store: the cloud, an
 * appliance and a local network have different names for one registry, and a release is made for all of them.
 */
export function relocateImage(reference: string, store: StoreImages): string {
  const { registryUrl, mainRepository, appKey, appName } = store;
  const path = reference.slice(hostLengthOf(reference));
  const { repository } = splitReference(path);
  const isStored = repository.startsWith(`${mainRepository}prod_`) &&
    repository.includes(`_${appKey}_${appName.toLowerCase()}_`);
  const host = registryUrl.trim().replace(/^https?:\/\//i, "").replace(/\/+$/, "");
  return isStored && host !== "" ? `${host}/${path}` : reference;
}

/** With the slash behind it. */
function hostLengthOf(reference: string): number {
  const host = registryHostOf(reference);
  return reference.startsWith(`${host}/`) ? host.length + 1 : 0;
}
