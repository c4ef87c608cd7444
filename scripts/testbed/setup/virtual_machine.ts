/**
 * Gets a Linux kernel with simulated radios for tests, because few machines have radios and most kernels of servers and
 * containers no modules for them: downloads Debian's kernel, and makes the first file system of a virtual machine with
 * the modules that it needs. Nothing of it is installed on this machine, except for the emulator and a few programs.
 */

import { removeIfThere } from "../../files.ts";
import { mustRun } from "../../programs.ts";
import { installPackages } from "./debian.ts";
import { isInstalled, markInstalled, type PartsFolder } from "./folder.ts";

/** The programs that only the virtual machine and its networks need. */
const programs = ["hostapd", "iw", "kmod", "qemu-system-x86", "wpasupplicant"];

/** The newest kernel of the release. Its smaller one for clouds has no radios. */
const kernelPackage = "linux-image-amd64";

/** In this order: the devices of the emulator, the file systems, ciphers of Wi-Fi, and the radios. */
const modules = ["virtio_pci", "9p", "9pnet_virtio", "overlay", "ctr", "ccm", "cmac", "gcm", "mac80211_hwsim"];

/**
 * The first program of the machine. This machine's files are its root; what it writes there stays in its memory. The
 * folder that both share is /mnt. The kernel makes a variable of `radios=` on its command line.
 */
const init = `#!/bin/busybox sh
fail() { echo "cannot boot: $1"; /bin/busybox poweroff -f; }
for program in mount mkdir insmod switch_root; do
  /bin/busybox ln -s busybox /bin/$program
done
mount -t proc proc /proc
mount -t devtmpfs dev /dev
for module in /modules/*; do
  case $module in
    *mac80211_hwsim*) insmod $module radios=$radios || fail $module ;;
    *) insmod $module || fail $module ;;
  esac
done
mount -t 9p -o ro,trans=virtio,version=9p2000.L,msize=512000,cache=loose root /lower || fail root
mount -t tmpfs -o mode=755 written /written
mkdir /written/upper /written/work
mount -t overlay -o lowerdir=/lower,upperdir=/written/upper,workdir=/written/work root /root || fail overlay
mount -t 9p -o trans=virtio,version=9p2000.L,msize=512000 shared /root/mnt || fail shared
mount --move /dev /root/dev
mount --move /proc /root/proc
exec switch_root /root /bin/sh /mnt/start
`;

/** Downloads the kernel and packs the file system unless they are there. Throws with the reason on failure. */
export async function installVirtualMachine(parts: PartsFolder, say: (text: string) => void): Promise<void> {
  if (Deno.build.arch !== "x86_64") throw new Error("the programs of this machine cannot run on an emulated x86-64");
  await installPackages(say, programs);
  const recipe = `${kernelPackage} 1 ${modules.join(" ")}\n${init}`;
  if (await isInstalled(parts.machine, recipe)) return;
  say("downloading Debian's kernel, for a virtual machine with radios (70 MB)");
  const partial = `${parts.machine}.partial`;
  await removeIfThere(partial);
  await removeIfThere(parts.machine);
  await Deno.mkdir(`${partial}/debian`, { recursive: true });
  const version = await downloadKernel(partial);
  await Deno.rename(`${partial}/debian/boot/vmlinuz-${version}`, `${partial}/vmlinuz`);
  await packFileSystem(partial, version);
  await removeIfThere(`${partial}/debian`);
  await Deno.rename(partial, parts.machine);
  await markInstalled(parts.machine, recipe);
}

/** Extracts the kernel's package into `debian` and returns the version. The package above has only its name. */
async function downloadKernel(partial: string): Promise<string> {
  await mustRun("apt-get", ["update"]);
  const { stdout } = await mustRun("apt-cache", ["depends", "--important", kernelPackage]);
  const [, name, version] = /Depends: (linux-image-(\S+))/.exec(stdout) ?? [];
  if (name === undefined || version === undefined) throw new Error(`${kernelPackage} names no kernel`);
  await mustRun("apt-get", ["-o", "APT::Sandbox::User=root", "download", name], { cwd: partial });
  const file = [...Deno.readDirSync(partial)].map((entry) => entry.name).find((entry) => entry.endsWith(".deb"));
  await mustRun("dpkg-deb", ["--extract", `${partial}/${file}`, `${partial}/debian`]);
  await Deno.remove(`${partial}/${file}`);
  return version;
}

async function packFileSystem(partial: string, version: string): Promise<void> {
  const root = `${partial}/files`;
  for (const name of ["bin", "dev", "lower", "modules", "proc", "root", "written"]) {
    await Deno.mkdir(`${root}/${name}`, { recursive: true });
  }
  await mustRun("cp", ["/bin/busybox", `${root}/bin/busybox`]);
  await Deno.writeTextFile(`${root}/init`, init, { mode: 0o755 });
  // Newer packages have compressed modules, which the small programs of the first file system cannot load.
  await mustRun("find", [`${partial}/debian`, "-name", "*.ko.xz", "-exec", "xz", "--decompress", "{}", "+"]);
  await mustRun("depmod", ["--basedir", `${partial}/debian`, version]);
  const select = ["--dirname", `${partial}/debian`, "--set-version", version, "--show-depends"];
  const files = new Set<string>();
  for (const module of modules) {
    const { stdout } = await mustRun("modprobe", [...select, module]);
    for (const [, file = ""] of stdout.matchAll(/^insmod (\S+)/gm)) files.add(file);
  }
  for (const [at, file] of [...files].entries()) {
    await mustRun("cp", [file, `${root}/modules/${String(at).padStart(2, "0")}-${file.split("/").at(-1)}`]);
  }
  const pack = 'cd "$0"; find . | busybox cpio -o -H newc | gzip >../initrd';
  await mustRun("bash", ["-o", "pipefail", "-ec", pack, root]);
  await removeIfThere(root);
}
