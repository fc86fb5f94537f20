/** Errors of copies that the source, the destination and the options do not allow together. */
import { copyImage } from "../../mod.ts";
import { generateSigstoreKeyPair, openSigstoreSigner } from "../../src/signature/mod.ts";
import { MEDIA_TYPES } from "../../src/spec/room.ts";
import { attestAssembly } from "../../src/actions/attestations/attest.ts";
import { create as createRemote } from "../../src/system/remote/mod.ts";
import { REMOTE_RUNTIME } from "../../src/system/remote/room.ts";
import { describe, encode } from "../support/images.ts";
import { type ErrorRows, HOST, IMAGE, NAME, UNSIGNED } from "./world.ts";

const FROM = `docker://${NAME}`;

export const COPY_ROWS: ErrorRows = {
  CANNOT_MODIFY: ({ systemContext, folder }) => {
    const options = { manifestType: MEDIA_TYPES.dockerManifest, preserveDigests: true };
    return copyImage(FROM, `dir:${folder}/docker`, { systemContext, ...options, ...UNSIGNED });
  },
  CONVERSION_NOT_SUPPORTED: async ({ systemContext, repository, folder }) => {
    const bytes = encode("{}");
    const [config, layer] = [describe(MEDIA_TYPES.ociEmpty, bytes), describe("text/spdx", bytes)];
    await repository().putBlob(config, new Blob([bytes]).stream());
    const artifactType = "application/spdx";
    const manifest = { schemaVersion: 2, mediaType: MEDIA_TYPES.ociManifest, artifactType, config, layers: [layer] };
    await repository().putManifest("sbom", encode(manifest));
    const options = { systemContext, manifestType: MEDIA_TYPES.dockerManifest, ...UNSIGNED };
    await copyImage(`docker://${HOST}/app:sbom`, `dir:${folder}/sbom`, options);
  },
  REFERRERS_NOT_SUPPORTED: async ({ systemContext, repository, folder }) => {
    const bytes = encode("{}");
    const config = describe(MEDIA_TYPES.ociEmpty, bytes);
    await repository().putBlob(config, new Blob([bytes]).stream());
    const subject = describe(MEDIA_TYPES.ociManifest, IMAGE.manifest);
    const manifest = { schemaVersion: 2, mediaType: MEDIA_TYPES.ociManifest, config, layers: [config], subject };
    await repository().putManifest("referrer", encode({ ...manifest, artifactType: "application/spdx" }));
    await copyImage(FROM, `dir:${folder}/referrers`, { systemContext, referrers: true, ...UNSIGNED });
  },
  SIGNATURES_HIDDEN: async ({ systemContext }) => {
    const passphrase = encode("passphrase");
    const open = async () => {
      const { privateKey } = await generateSigstoreKeyPair(passphrase);
      return await openSigstoreSigner(encode(privateKey), { passphrase });
    };
    await using signer = await open();
    await using other = await open();
    const attached = { ...systemContext, dockerUseSigstoreAttachments: true };
    const { digest, mediaType } = await copyImage(FROM, `${HOST}/hidden:1`, {
      systemContext: attached,
      signers: [signer],
      ...UNSIGNED,
    });
    const reference = REMOTE_RUNTIME.host.transports.parseImageName(`docker://${HOST}/hidden:1`);
    const at = new Date(0);
    const assembly = {
      parameters: {},
      internalParameters: {},
      sources: [],
      builder: {},
      startedOn: at,
      finishedOn: at,
    };
    const subjects = [{ mediaType, digest, size: IMAGE.manifest.length }];
    await attestAssembly(REMOTE_RUNTIME, { reference, subjects, assembly }, { signer: other, systemContext });
  },
  SIGNATURES_NOT_SUPPORTED: async ({ systemContext }) => {
    const passphrase = encode("passphrase");
    const { privateKey } = await generateSigstoreKeyPair(passphrase);
    await using signer = await openSigstoreSigner(encode(privateKey), { passphrase });
    await copyImage(FROM, `${HOST}/signed:1`, { systemContext, signers: [signer], ...UNSIGNED });
  },
  SIGNING_UNAVAILABLE: ({ systemContext }) =>
    createRemote().push(`${HOST}/signed:1`, { systemContext, signBy: "me@example.com" }),
};
