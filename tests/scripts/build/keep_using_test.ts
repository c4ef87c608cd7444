import assert from "node:assert/strict";
import { countUsing, markUsing, unmarkUsing } from "../../../scripts/build/keep_using.ts";
import { bundleArgs, plainBundleArgs } from "../../../scripts/build/plan.ts";
import { runRuntime } from "../../../scripts/build/runtime_command.ts";

const source = `
class Part {
  constructor(readonly name: string) {}
  run() { return Promise.resolve(this.name); }
  [Symbol.dispose]() { console.log("end", this.name); }
  [Symbol.asyncDispose]() { console.log("end", this.name); return Promise.resolve(); }
}
async function once(name: string) {
  await using part = await Promise.resolve(new Part(name));
  return await part.run();
}
function plain(name: string) {
  console.log("begin");
  using part = new Part(
    name,
  );
  return part.name;
}
function unused(name: string) {
  if (name !== "") {
    using _part = new Part(name);
    console.log("inside");
  }
}
console.log(await once("a"), plain("b"));
unused("c");
`;

/** What a program prints. */
async function run(path: string): Promise<string> {
  const { stdout } = await new Deno.Command(Deno.execPath(), { args: ["run", "--no-config", path] }).output();
  return new TextDecoder().decode(stdout);
}

Deno.test("a minified bundle disposes of what it has opened, in the order of the source", async () => {
  const folder = await Deno.makeTempDir();
  const path = (name: string) => `${folder}/${name}.js`;
  const entry = `${folder}/entry.ts`;
  await Deno.writeTextFile(entry, source);
  const bundle = async (args: string[]) => assert.ok((await runRuntime(args, { environment: {} })).success);
  await bundle(plainBundleArgs(entry, path("plain")));
  const plain = await Deno.readTextFile(path("plain"));
  await Deno.writeTextFile(path("marked"), markUsing(plain));
  await bundle(bundleArgs(path("marked"), path("minified")));
  await Deno.writeTextFile(path("done"), unmarkUsing(await Deno.readTextFile(path("minified")), countUsing(plain)));
  const expected = "end a\nbegin\nend b\na b\ninside\nend c\n";
  assert.deepEqual([await run(entry), await run(path("done"))], [expected, expected]);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("unmarkUsing() throws when a declaration is lost, or a use is left", () => {
  const marked = "{keepUsing__(()=>e);using e=f();g(e)}a(),keepUsing__(()=>$);await using $=b();";
  assert.equal(unmarkUsing(marked, 2), "{using e=f();g(e)}a();await using $=b();");
  assert.throws(() => unmarkUsing(marked, 3), /has 2 "using" declarations instead of 3/);
  assert.throws(() => unmarkUsing("x=keepUsing__(()=>e)", 0), /cannot be removed/);
});
