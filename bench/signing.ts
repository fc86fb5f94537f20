/** Measures signing in a push with a sigstore key, compared with the newest c/image. */
import { create } from "../mod.ts";
import { generateSigstoreKeyPair } from "../src/signature/room.ts";
import { encode, pushPlatforms } from "../tests/support/images.ts";
import { IMAGECOPY } from "../tests/support/oracles.ts";
import { startDockerRegistry } from "../tests/support/registries.ts";
import { CLI } from "./settings.ts";
import { compare, measure, report, startRelay } from "./support.ts";

const PASSPHRASE = "pw";
/** Latency of the distant registry each way, in milliseconds. */
const LATENCY = 10;

/** Copies and signs twelve tiny images within a registry. */
export async function signing(): Promise<void> {
  await using registry = await startDockerRegistry();
  await using relay = startRelay(registry.host, LATENCY);
  const folder = await Deno.makeTempDir();
  try {
    const files = await prepare(folder, registry.host);
    await signAt(registry.host, "Sign and push twelve tiny images, and their list, with a sigstore key", files);
    await signAt(relay.host, `Sign and push them, ${LATENCY} ms each way`, files);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Files and settings that both programs need. */
interface SigningFiles {
  registriesDir: string;
  privateKey: string;
  passphrase: string;
  /** Environment with which the command line finds `registriesDir`, and no cache of earlier runs. */
  env: Record<string, string>;
}

async function prepare(home: string, host: string): Promise<SigningFiles> {
  const registriesDir = `${home}/.config/containers/registries.d`;
  await Deno.mkdir(registriesDir, { recursive: true });
  await Deno.writeTextFile(`${registriesDir}/a.yaml`, "default-docker: {use-sigstore-attachments: true}\n");
  const [privateKey, passphrase] = [`${home}/key`, `${home}/passphrase`];
  await Deno.writeTextFile(privateKey, (await generateSigstoreKeyPair(encode(PASSPHRASE))).privateKey);
  await Deno.writeTextFile(passphrase, `${PASSPHRASE}\n`);
  const platforms = Array.from({ length: 12 }, (_, i) => ({ architecture: "arm64", variant: `x${i}` }));
  const digests = await pushPlatforms(host, "app", platforms);
  const list = create();
  const systemContext = { dockerInsecureSkipTlsVerify: true, blobInfoCacheDir: "" };
  for (const digest of digests) await list.add(`${host}/app@${digest}`, { systemContext });
  await list.push(`${host}/app:list`, { systemContext });
  const denoDir = Deno.env.get("DENO_DIR") || `${Deno.env.get("HOME")}/.cache/deno`;
  const env = { HOME: home, DENO_DIR: denoDir, MANIFESTS_BLOB_INFO_CACHE_DIR: "" };
  return { registriesDir, privateKey, passphrase, env };
}

async function signAt(host: string, title: string, files: SigningFiles): Promise<void> {
  const { registriesDir, privateKey, passphrase, env } = files;
  // The relay leads to the same registry. The port in the name makes each destination new.
  const at = host.split(":")[1];
  const sign = ["--sign-by-sigstore-private-key", privateKey, "--sign-passphrase-file", passphrase];
  const [from, to] = [
    `docker://${host}/app:list`,
    (name: string, run: number) => `docker://${host}/${name}/${at}/${run}:1`,
  ];
  const copyCommand = ["copy", "-q", "--insecure-policy", "--tls-verify=false"];
  const imageCopyCommand = [IMAGECOPY, "copy", "--all", "--registries.d", registriesDir];
  const pair = (name: string, ...flags: string[]) => [
    {
      name: "manifests copy",
      run: (run: number) => measure([...CLI, ...copyCommand, ...flags, from, to(`ours-${name}`, run)], env),
    },
    {
      name: "c/image, as skopeo copy --all",
      run: (run: number) => measure([...imageCopyCommand, ...flags, from, to(`theirs-${name}`, run)], env),
    },
  ];
  report(title, await compare(3, pair("signed", ...sign)));
  report("… without signing", await compare(3, pair("unsigned")));
}
