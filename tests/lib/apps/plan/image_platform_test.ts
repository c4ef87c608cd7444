import assert from "node:assert/strict";
import { platformWarning } from "../../../../lib/apps/plan/image_platform.ts";

const cases: [image: string, device: string, isWarned: boolean][] = [
  ["linux/amd64", "linux/amd64", false],
  ["linux/x86_64", "linux/amd64", false],
  ["Linux/AMD64", "linux/amd64", false],
  ["linux/", "linux/amd64", false],
  ["/", "linux/amd64", false],
  ["/386", "linux/amd64", true],
  ["linux/386", "linux/amd64", true],
  ["linux/i686", "linux/386", false],
  ["linux/aarch64", "linux/arm64", false],
  ["linux/arm64/v8", "linux/arm64", false],
  ["linux/arm", "linux/arm64", true],
  ["linux/arm/v6", "linux/arm", false],
  ["linux/armhf", "linux/arm", false],
  ["windows/amd64", "linux/amd64", true],
  ["linux/constructor", "linux/amd64", true],
];

function platformOf(text: string): { os: string; architecture: string } {
  const slash = text.indexOf("/");
  return { os: text.slice(0, slash), architecture: text.slice(slash + 1) };
}

for (const [image, device, isWarned] of cases) {
  Deno.test(`#3: an image for ${image} on ${device} is ${isWarned ? "worth a warning" : "fine"}`, () => {
    const warning = platformWarning(platformOf(image), platformOf(device));
    assert.equal(warning !== undefined, isWarned, warning);
  });
}
