/** Where the uploads of an app are. Pure. */

/** The folder of uploads, and the extension of archives in it (`-compressedBuildExtension`). */
export interface UploadPlace {
  buildDir: string;
  /** Without a dot, which is dropped in front of it. */
  extension: string;
}

/** What the upload of an app consists of. */
export interface UploadPaths {
  /** `<buildDir>/<AppName>.<extension>` */
  archive: string;
  /** For compose: the unpacked archive, with the files that compose is run with. */
  folder: string;
}

/** The paths for an app of this name, whose case counts. */
export function uploadPaths({ buildDir, extension }: UploadPlace, appName: string): UploadPaths {
  return { archive: `${buildDir}/${appName}.${extension.replace(/^\.+/, "")}`, folder: `${buildDir}/${appName}` };
}

/** The Dockerfile for this architecture among the files of the root folder; undefined when there is none. */
export function dockerfileFor(rootFiles: ReadonlyMap<string, number>, arch: string): string | undefined {
  return [`Dockerfile.${arch}`, "Dockerfile"].find((name) => rootFiles.has(name));
}
