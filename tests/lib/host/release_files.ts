/** How distributions describe themselves on the disk. */

/** The files of real systems, as far as they matter, and what the agent calls such a system. */
export const releaseFiles: readonly [name: string, files: Record<string, string>, expected: string][] = [
  ["Debian 12", {
    "/etc/debian_version": "12.5\n",
    "/etc/os-release": 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nID=debian\nVERSION_ID="12"\n',
  }, "debian 12.5"],
  ["Debian testing", {
    "/etc/debian_version": "trixie/sid\n",
    "/etc/os-release": 'PRETTY_NAME="Debian GNU/Linux trixie/sid"\nID=debian\n',
  }, "debian trixie/sid"],
  ["Ubuntu 24.04", {
    "/etc/debian_version": "trixie/sid\n",
    "/etc/lsb-release": 'DISTRIB_ID=Ubuntu\nDISTRIB_RELEASE=24.04\nDISTRIB_CODENAME=noble\nDISTRIB_DESCRIPTION="x"\n',
    "/etc/os-release": 'NAME="Ubuntu"\nVERSION_ID="24.04"\nID=ubuntu\nID_LIKE=debian\n',
  }, "ubuntu 24.04"],
  ["Raspberry Pi OS, 32 bits", {
    "/etc/debian_version": "11.9\n",
    "/etc/os-release": 'NAME="Raspbian GNU/Linux"\nID=raspbian\nID_LIKE=debian\nVERSION_ID="11"\n',
    "/usr/bin/raspi-config": "#!/bin/sh\n",
  }, "raspbian 11.9"],
  ["Raspberry Pi OS, 64 bits", {
    "/etc/debian_version": "12.5\n",
    "/etc/os-release": 'NAME="Debian GNU/Linux"\nID=debian\nVERSION_ID="12"\n',
    "/usr/bin/raspi-config": "#!/bin/sh\n",
  }, "raspbian 12.5"],
  ["Fedora 40", {
    "/etc/fedora-release": "Fedora release 40 (Forty)\n",
    "/etc/redhat-release": "Fedora release 40 (Forty)\n",
    "/etc/system-release": "Fedora release 40 (Forty)\n",
    "/etc/os-release": 'NAME="Fedora Linux"\nVERSION="40 (Server Edition)"\nID=fedora\nVERSION_ID=40\n',
  }, "fedora 40"],
  ["Rocky Linux 9", { "/etc/redhat-release": "Rocky Linux release 9.3 (Blue Onyx)\n" }, "rocky 9.3"],
  ["Alpine 3.20", {
    "/etc/alpine-release": "3.20.1\n",
    "/etc/os-release": 'NAME="Alpine Linux"\nID=alpine\nVERSION_ID=3.20.1\n',
  }, "alpine 3.20.1"],
  ["FlockOS", {
    "/etc/os-release": 'NAME="FlockOS"\nVERSION="v0.10.0-flockos-20220330"\nID=flockos\nVERSION_ID="0.10.0"\n',
  }, "flockos 0.10.0"],
  ["a system with nonsense", { "/etc/os-release": "\0=\n==\nID\nID='mine'\nVERSION_ID=\n" }, "mine "],
];
