/** A certificate authority of a test's own, made with the openssl command. */

/** Files of one certificate, in PEM. */
export interface Pair {
  certificateFile: string;
  keyFile: string;
}

/** An authority and what it has signed. Everything lies in the folder of the test, which removes it. */
export class TestCa {
  readonly #folder: string;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  /** Makes an authority in `folder`. */
  static async create(folder: string): Promise<TestCa> {
    const ca = new TestCa(folder);
    await openssl([
      ...["req", "-x509", ...newKey, "-keyout", `${folder}/ca.key`, "-out", ca.certificateFile, "-days", "30"],
      ...["-subj", "/CN=test authority", "-addext", "basicConstraints=critical,CA:true"],
    ]);
    return ca;
  }

  /** The authority's own certificate. */
  get certificateFile(): string {
    return `${this.#folder}/ca.pem`;
  }

  /** Signs a certificate for a server at `names` (for example `DNS:localhost`) or, without names, for a client. */
  async sign(name: string, names: string[] = []): Promise<Pair> {
    const base = `${this.#folder}/${name}`;
    const pair = { certificateFile: `${base}.pem`, keyFile: `${base}.key` };
    const usage = names.length === 0 ? "clientAuth" : "serverAuth";
    const lines = [`extendedKeyUsage=${usage}`, ...(names.length === 0 ? [] : [`subjectAltName=${names.join(",")}`])];
    await Deno.writeTextFile(`${base}.ext`, lines.join("\n"));
    await openssl(["req", ...newKey, "-keyout", pair.keyFile, "-out", `${base}.csr`, "-subj", `/CN=${name}`]);
    await openssl([
      ...["x509", "-req", "-in", `${base}.csr`, "-CA", this.certificateFile, "-CAkey", `${this.#folder}/ca.key`],
      ...["-CAcreateserial", "-out", pair.certificateFile, "-days", "30", "-extfile", `${base}.ext`],
    ]);
    return pair;
  }
}

const newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];

async function openssl(args: string[]): Promise<void> {
  const output = await new Deno.Command("openssl", { args, stdout: "null", stderr: "piped" }).output();
  if (!output.success) throw new Error(`openssl ${args[0]} failed: ${new TextDecoder().decode(output.stderr)}`);
}
