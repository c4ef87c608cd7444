/** A private certificate authority for tests, made with the openssl command. */

/** The files of a certificate, in PEM. */
export interface CertificateFiles {
  certificateFile: string;
  keyFile: string;
}

/** When a certificate is valid. */
export interface Validity {
  from: Date;
  to: Date;
}

/** An authority. All of its files are in the test's folder, which the test removes. */
export class TestCa {
  readonly #folder: string;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  /** Creates an authority in `folder`. */
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

  /**
   * Signs a certificate for a server at `names` (for example `DNS:localhost`) or, without names, for a client. It is
   * valid for thirty days from now unless `validity` is given.
   */
  async sign(
    name: string,
    { names = [], validity }: { names?: string[]; validity?: Validity } = {},
  ): Promise<CertificateFiles> {
    const base = `${this.#folder}/${name}`;
    const pair = { certificateFile: `${base}.pem`, keyFile: `${base}.key` };
    const usage = names.length === 0 ? "clientAuth" : "serverAuth";
    const lines = [`extendedKeyUsage=${usage}`, ...(names.length === 0 ? [] : [`subjectAltName=${names.join(",")}`])];
    await Deno.writeTextFile(`${base}.ext`, lines.join("\n"));
    await openssl(["req", ...newKey, "-keyout", pair.keyFile, "-out", `${base}.csr`, "-subj", `/CN=${name}`]);
    await this.#sign(`${base}.csr`, { certificateFile: pair.certificateFile, extensionFile: `${base}.ext`, validity });
    return pair;
  }

  async #sign(
    requestFile: string,
    options: { certificateFile: string; extensionFile: string; validity: Validity | undefined },
  ): Promise<void> {
    const { certificateFile, extensionFile, validity } = options;
    const files = ["-in", requestFile, "-out", certificateFile, "-extfile", extensionFile];
    const keyFile = `${this.#folder}/ca.key`;
    if (validity === undefined) {
      const authority = ["-CA", this.certificateFile, "-CAkey", keyFile, "-CAcreateserial"];
      return await openssl(["x509", "-req", ...authority, "-days", "30", ...files]);
    }
    // Only this command takes dates, and it needs the files of an authority.
    const configFile = `${this.#folder}/ca.conf`;
    const database = `${this.#folder}/signed`;
    await Deno.writeTextFile(database, "");
    const policy = "[policy]\ncommonName = supplied\n";
    const settings =
      `database = ${database}\nnew_certs_dir = ${this.#folder}\ndefault_md = sha256\nrand_serial = yes\n`;
    await Deno.writeTextFile(configFile, `[ca]\ndefault_ca = main\n[main]\n${settings}policy = policy\n${policy}`);
    const authority = ["-config", configFile, "-cert", this.certificateFile, "-keyfile", keyFile, "-batch", "-notext"];
    await openssl([
      "ca",
      ...authority,
      "-startdate",
      dateText(validity.from),
      "-enddate",
      dateText(validity.to),
      ...files,
    ]);
  }
}

/** The format of openssl: `20260101000000Z`. */
function dateText(date: Date): string {
  return `${date.toISOString().slice(0, 19).replaceAll(/[-:T]/g, "")}Z`;
}

const newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];

async function openssl(args: string[]): Promise<void> {
  const output = await new Deno.Command("openssl", { args, stdout: "null", stderr: "piped" }).output();
  if (!output.success) throw new Error(`openssl ${args[0]} failed: ${new TextDecoder().decode(output.stderr)}`);
}
