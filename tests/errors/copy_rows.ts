/** Errors of copies that the source, the destination and the options do not allow together. */
import { copyImage } from "../../mod.ts";
import { generateSigstoreKeyPair, openSigstoreSigner } from "../../src/signature/mod.ts";
import { MEDIA_TYPES } from "../../src/spec/room.ts";
import { create as createRemote } from "../../src/system/remote/mod.ts";
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
  SIGNATURES_NOT_SUPPORTED: async ({ systemContext }) => {
    const passphrase = encode("passphrase");
    const { privateKey } = await generateSigstoreKeyPair(passphrase);
    await using signer = await openSigstoreSigner(encode(privateKey), { passphrase });
    await copyImage(FROM, `${HOST}/signed:1`, { systemContext, signers: [signer], ...UNSIGNED });
  },
  SIGNING_UNAVAILABLE: ({ systemContext }) =>
    createRemote().push(`${HOST}/signed:1`, { systemContext, signBy: "me@example.com" }),
};
