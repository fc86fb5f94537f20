import { create } from "../../mod.ts";
import { encodeBase64 } from "../../src/internal/room.ts";
import { makeGpgHome } from "./gpg.ts";
import { encode, pushPlatforms } from "./images.ts";
import { IMAGECOPY } from "./oracles.ts";
import { exec } from "./peers.ts";
import { startDockerRegistry, type TestRegistry } from "./registries.ts";

const PLATFORMS = [{ architecture: "amd64" }, { architecture: "arm64" }];

/** A registry with images, keys, and configuration that keeps signatures in the folder and in the registry. */
export async function makeSigningWorld(
  folder: string,
  start: () => TestRegistry | Promise<TestRegistry> = startDockerRegistry,
) {
  const registry = await start();
  const home = await makeGpgHome();
  const registriesDirPath = `${folder}/registries.d`;
  await Deno.mkdir(registriesDirPath);
  await Deno.writeTextFile(
    `${registriesDirPath}/all.yaml`,
    `default-docker:\n  lookaside: file://${folder}/lookaside\n  use-sigstore-attachments: true\n`,
  );
  const systemContext = { dockerInsecureSkipTlsVerify: true, registriesDirPath };
  const digests = await pushPlatforms(registry.host, "app", PLATFORMS);
  const list = create();
  for (const { architecture } of PLATFORMS) {
    await list.add(`docker://${registry.host}/app:${architecture}`, { systemContext });
  }
  const policyFile = async (name: string, ...requirements: unknown[]) => {
    await Deno.writeTextFile(
      `${folder}/${name}`,
      JSON.stringify({
        default: [{ type: "reject" }],
        transports: {
          docker: { [registry.host]: requirements },
          dir: { "": [{ type: "insecureAcceptAnything" }] },
        },
      }),
    );
    return `${folder}/${name}`;
  };
  const copyFlags = ["--registries.d", registriesDirPath];
  const target = () => `dir:${folder}/${crypto.randomUUID()}`;
  /** Debian's skopeo, which knows simple signing only. */
  const skopeo = (policy: string, from: string) =>
    exec([
      ...["skopeo", "--policy", policy, ...copyFlags, "copy", "-q", "--all", "--src-tls-verify=false"],
      ...[from, target()],
    ]);
  /** The newest c/image, which knows both kinds. */
  const imagecopy = (policy: string, from: string) =>
    exec([IMAGECOPY, "copy", "--policy", policy, ...copyFlags, "--all", from, target()]);
  return {
    registry,
    home,
    systemContext,
    digests,
    list,
    policyFile,
    skopeo,
    imagecopy,
    async [Symbol.asyncDispose]() {
      await home[Symbol.asyncDispose]();
      await registry[Symbol.asyncDispose]();
    },
  };
}

/** Returns the policy requirement of an OpenPGP signature by keys. */
export function signedBy(keys: Uint8Array, signedIdentity?: unknown): Record<string, unknown> {
  return {
    type: "signedBy",
    keyType: "GPGKeys",
    keyData: encodeBase64(keys),
    ...(signedIdentity ? { signedIdentity } : {}),
  };
}

/** Returns the policy requirement of a sigstore signature by a key, given as PEM. */
export function sigstoreSigned(publicKey: string, signedIdentity?: unknown): Record<string, unknown> {
  return {
    type: "sigstoreSigned",
    keyData: encodeBase64(encode(publicKey)),
    ...(signedIdentity ? { signedIdentity } : {}),
  };
}
