import { encode } from "./images.ts";
import { exec, ok } from "./peers.ts";

/** A home of gpg with keys that tests made. */
export interface GpgHome extends AsyncDisposable {
  /** Its folder. */
  readonly folder: string;
  /** The environment in which gpg and skopeo use it. */
  readonly env: Record<string, string>;
  /** Makes a key and returns its fingerprint. */
  makeKey(name: string, options?: MakeKeyOptions): Promise<string>;
  /** Runs gpg, which must succeed. */
  gpg(...args: string[]): Promise<string>;
  /** The public keys with these fingerprints, or all, binary. */
  exportKeys(...fingerprints: string[]): Promise<Uint8Array<ArrayBuffer>>;
  /** A secret key, binary. */
  exportSecret(fingerprint: string, passphrase?: string): Promise<Uint8Array<ArrayBuffer>>;
  /** Returns gpg's output for these bytes and arguments. */
  pipe(input: Uint8Array, ...args: string[]): Promise<Uint8Array<ArrayBuffer>>;
  /** Makes the agent forget passphrases. */
  forget(): Promise<void>;
  /** Revokes a key. */
  revoke(fingerprint: string): Promise<void>;
  /** Revokes the first subkey of a key without passphrase. */
  revokeSubkey(fingerprint: string): Promise<void>;
}

/** Options of {@linkcode GpgHome.makeKey}. */
export interface MakeKeyOptions {
  /** As gpg names it; default: `ed25519`. */
  algorithm?: string;
  /** Default: none. */
  passphrase?: string;
  /** Usage of the primary key; default: `sign`. */
  usage?: string;
  /** A subkey for signing, too. */
  subkey?: boolean;
  /** When it ends; default: never. */
  expires?: string;
  /** When it is made, as in `20240101T000000`; default: now. */
  at?: string;
}

/** Makes an empty home. */
export async function makeGpgHome(): Promise<GpgHome> {
  const folder = await Deno.makeTempDir({ prefix: "gpg-" });
  const env = { GNUPGHOME: folder, LC_ALL: "C" };
  const base = ["gpg", "--batch", "--quiet", "--pinentry-mode", "loopback"];
  const gpg = (...args: string[]) => ok([...base, ...args], env);
  const pipe = async (input: Uint8Array, ...args: string[]) => {
    const child = new Deno.Command("gpg", {
      args: [...base.slice(1), ...args],
      env,
      stdin: "piped",
      stdout: "piped",
      stderr: "null",
    }).spawn();
    const writer = child.stdin.getWriter();
    await writer.write(input);
    await writer.close();
    const { code, stdout } = await child.output();
    if (code !== 0) throw new Error(`gpg ${args.join(" ")} exited ${code}`);
    return stdout;
  };
  const forget = async () => void await ok(["gpgconf", "--kill", "gpg-agent"], env);
  let making: Promise<unknown> = Promise.resolve();
  const makeKey = async (name: string, options: MakeKeyOptions): Promise<string> => {
    const { algorithm = "ed25519", passphrase = "", usage = "sign", expires = "never" } = options;
    const secret = ["--passphrase", passphrase, ...(options.at ? ["--faked-system-time", options.at] : [])];
    await gpg(...secret, "--quick-gen-key", `${name} <${name}@example.com>`, algorithm, usage, expires);
    const listed = await gpg("--with-colons", "--list-keys", `${name}@example.com`);
    const fingerprint = /^fpr:+([0-9A-F]{40}):/m.exec(listed)![1]!;
    if (options.subkey) await gpg(...secret, "--quick-add-key", fingerprint, algorithm, "sign", "never");
    return fingerprint;
  };
  return {
    folder,
    env,
    gpg,
    pipe,
    forget,
    async revoke(fingerprint) {
      // gpg makes a certificate with every key, and breaks it so that nobody imports it by accident.
      const file = await Deno.readTextFile(`${folder}/openpgp-revocs.d/${fingerprint}.rev`);
      await pipe(encode(file.replace(":-----", "-----")), "--import");
    },
    async revokeSubkey(fingerprint) {
      const flags = ["--no-batch", "--no-tty", "--passphrase", "", "--command-fd", "0", "--edit-key", fingerprint];
      await pipe(encode("key 1\nrevkey\ny\n0\n\ny\nsave\n"), ...flags);
    },
    // One after another: several gpgs that make the first key of a home get into each other's way.
    makeKey(name, options = {}) {
      const made = making.then(() => makeKey(name, options));
      making = made.catch(() => {});
      return made;
    },
    exportKeys: (...fingerprints) => pipe(new Uint8Array(), "--export", ...fingerprints),
    exportSecret: (fingerprint, passphrase = "") =>
      pipe(new Uint8Array(), "--passphrase", passphrase, "--export-secret-keys", fingerprint),
    async [Symbol.asyncDispose]() {
      await exec(["gpgconf", "--kill", "all"], env);
      await Deno.remove(folder, { recursive: true });
    },
  };
}
