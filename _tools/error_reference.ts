/**
 * Writes `docs/errors.md`: every error code with its cause and its cure. `deno run -A _tools/error_reference.ts`.
 */
import type { ErrorCode } from "../src/errors/room.ts";
import { formatMarkdown } from "./format_markdown.ts";

/** The cause of an error, and what the user can do about it. */
interface Explanation {
  readonly cause: string;
  readonly cure: string;
}

/** Explanations by error code. The type-check fails if a new code has none. */
export const EXPLANATIONS: Readonly<Record<ErrorCode, Explanation>> = {
  AMBIGUOUS_MANIFEST: {
    cause: "A manifest has members of two formats, so that readers could disagree about what it is.",
    cure: "Build and push the image again; do not use this one.",
  },
  ARCHIVE_INVALID: {
    cause: "A tar archive is damaged, or does not contain an image.",
    cure: "Check the path, and write the archive again.",
  },
  ARTIFACT_UNAVAILABLE: {
    cause: "A file of an artifact does not exist, or cannot be read.",
    cure: "Restore the file, or add the artifact again.",
  },
  CANNOT_MODIFY: {
    cause: "A change would invalidate a signature, or a digest that must stay.",
    cure: "Leave out the option that changes manifests, or remove signatures with `--remove-signatures`.",
  },
  COMPRESSION_NOT_SUPPORTED: {
    cause: "The compression of a layer or an archive is not supported here.",
    cure: "Use gzip or zstd, or a runtime that supports them.",
  },
  CONFIG_FILE_INVALID: {
    cause: "A configuration file has a syntax error or an invalid value; the message names file, line and key.",
    cure: "Correct the file.",
  },
  CONFIG_FILE_UNREADABLE: {
    cause: "A configuration file that was named by an option or a variable cannot be read.",
    cure: "Correct the path, or grant read access.",
  },
  CONFLICT: {
    cause:
      "A tag, or an image of a store, was changed by another writer at the same time, so that the change could not be made safely.",
    cure: "Run it again: it starts from the new content.",
  },
  CONVERSION_NOT_SUPPORTED: {
    cause: "A manifest cannot be expressed in the requested format.",
    cure: "Leave out `--format`, or use another format.",
  },
  CREDENTIALS_NOT_SAVED: {
    cause: "The credential file cannot be written, or does not support credentials for a namespace.",
    cure: "Correct the permissions of the file's folder, or name another file with `--authfile`.",
  },
  CREDENTIAL_HELPER_FAILED: {
    cause: "A program `docker-credential-NAME` is missing, failed, or answered something invalid.",
    cure: "Install or repair the helper, or remove it from the credential file.",
  },
  DENIED: {
    cause: "The registry does not allow this request for these credentials.",
    cure: "Use credentials with the right permission, or check the repository's name.",
  },
  DESTINATION_IN_USE: {
    cause: "Another program writes to this folder, or the archive exists and cannot be extended.",
    cure: "Wait, or use another path.",
  },
  DESTINATION_NOT_AN_IMAGE: {
    cause: "The destination is a file or folder that is not an image; it is never overwritten.",
    cure: "Use another path, or remove the file or folder yourself.",
  },
  DIGEST_MISMATCH: {
    cause: "Content does not have the digest under which it was requested.",
    cure: "Try again; if it happens again, the source is damaged or altered.",
  },
  DUPLICATE_PLATFORM: {
    cause: "Two sources of a new index have different images for one platform.",
    cure:
      "Leave one of them out, or record another platform for it (`--as`). To replace an image: `--append --replace`.",
  },
  ID_IN_USE: {
    cause: "A record with this id exists in the local store.",
    cure: "Use another id, or omit it, so that one is chosen.",
  },
  IMAGE_IN_USE: {
    cause:
      "The record is an image with layers, not a list; a container uses it; or it has several names and was named by its id.",
    cure:
      "Use `manifests delete containers-storage:NAME` or `deleteImage()` for images, with `--manifest` for all names; " +
      "remove the container first.",
  },
  IMAGE_UNKNOWN: {
    cause: "The local store has no such image.",
    cure: "`manifests ls` shows its lists, and `manifests ls --images` its images.",
  },
  INSTANCE_NOT_FOUND: {
    cause: "The list has no instance with this digest, file, platform or image.",
    cure: "`manifests inspect` shows the instances.",
  },
  INVALID_DIGEST: {
    cause: "A digest is not of the form `algorithm:hex`.",
    cure: "Copy the whole digest, such as `sha256:` and 64 hexadecimal digits.",
  },
  INVALID_JSON: {
    cause:
      "A document is not valid JSON in UTF-8, repeats a key, is nested too deeply, or has a member of the wrong type.",
    cure: "The source is damaged or altered: build it again.",
  },
  INVALID_MANIFEST: {
    cause: "A manifest lacks required members, or its members contradict each other.",
    cure: "Build and push the image again.",
  },
  INVALID_PLATFORM: {
    cause: "A platform is not of the form `os/architecture[/variant][:os.version]`.",
    cure: "Write it as in `linux/arm64` or `windows/amd64:10.0.20348.1`.",
  },
  INVALID_REFERENCE: {
    cause: "A name is not a valid image reference.",
    cure: "Use lower-case repository names, as in `quay.io/me/app:1.0`.",
  },
  KEY_INVALID: {
    cause: "A key or certificate cannot be read, or is of an unsupported kind.",
    cure: "Export it again, in PEM or OpenPGP form.",
  },
  KEY_UNKNOWN: {
    cause: "The GnuPG keyring has no such key, or no secret key for it.",
    cure: "`gpg --list-secret-keys` shows the keys.",
  },
  LAYER_NOT_REPRODUCIBLE: {
    cause: "A layer of the local store cannot be reassembled byte for byte.",
    cure: "Pull or build the image again.",
  },
  LAYOUT_INVALID: {
    cause: "A folder is not a valid OCI layout or `dir:` image, or a registry's folder is an OCI layout.",
    cure: "Check the path, and write the image again.",
  },
  LIMIT_EXCEEDED: {
    cause: "A document, list or number of pages is larger than the limit that the message states.",
    cure: "Check the source: valid images are far below the limits.",
  },
  LIST_CHANGED: {
    cause: "Another program changed the list after it was loaded.",
    cure: "Use `editList`, which repeats the edit, or load the list again.",
  },
  LIST_IMAGE_UNKNOWN: {
    cause: "The store has no such list, or the list was never saved there.",
    cure: "Create or save the list first; `manifests ls` shows the lists.",
  },
  LOCK_OUTDATED: {
    cause: "The lock file of a release does not have the sources of its release file, or a local image has changed.",
    cure: "Run `manifests release lock`, or `release apply --update`, and commit the lock file.",
  },
  LOCK_UNAVAILABLE: {
    cause: "The store's lock cannot be taken, or was lost.",
    cure: "Grant `--allow-ffi`, or wait until the other program has finished.",
  },
  MANIFEST_REJECTED: {
    cause: "The registry refused a manifest, for example its type, or a tag that must not change.",
    cure: "Read the registry's answer in the message; use another format or another tag.",
  },
  MANIFEST_TYPE_NOT_SUPPORTED: {
    cause: "A media type is not a manifest that this operation supports.",
    cure: "Use an OCI or Docker image or index.",
  },
  NAME_IN_USE: {
    cause: "The name belongs to another image of the local store.",
    cure: "Use another name, or `create --amend` or `--replace`.",
  },
  NESTED_INDEX: {
    cause: "An instance of an index is an index itself, and one image was asked for.",
    cure: "Use `--all`, or name the inner image by its digest.",
  },
  NETWORK: {
    cause: "A host cannot be reached, or a connection broke off repeatedly.",
    cure: "Check the host's name, the proxy, TLS, and `--allow-net`.",
  },
  NOT_FOUND: {
    cause: "The registry, layout or folder has no such image, tag or blob.",
    cure: "Check the reference. Registries give the same answer for private repositories without credentials.",
  },
  NOT_A_MANIFEST_LIST: {
    cause: "The image is not an index or manifest list.",
    cure: "Create a list, and add the image to it.",
  },
  NO_MATCHING_PLATFORM: {
    cause: "An index has no image for the platform.",
    cure: "`manifests inspect` shows the platforms; use `--all`, `--os`, `--arch` or `--platform`.",
  },
  PASSPHRASE_REQUIRED: {
    cause: "A private key is encrypted, and no passphrase was given.",
    cure: "Give one with `--sign-passphrase-file`, or on the terminal.",
  },
  PASSPHRASE_WRONG: {
    cause: "The passphrase does not decrypt the private key.",
    cure: "Check the passphrase; a file's first line is used.",
  },
  PLATFORM_MISMATCH: {
    cause: "The platform of an entry contradicts the image's own configuration.",
    cure: "Correct the label, or build the image for that platform.",
  },
  POLICY_INVALID: {
    cause: "`policy.json` has a syntax error or an unknown requirement.",
    cure: "Correct it; see containers-policy.json(5).",
  },
  POLICY_MISSING: {
    cause: "No `policy.json` was found.",
    cure: "Install one, or name one with `--signature-policy` or `signaturePolicy`.",
  },
  POLICY_NOT_SUPPORTED: {
    cause: "A requirement of the policy is not supported.",
    cure: "Use `signedBy`, `sigstoreSigned`, `reject` or `insecureAcceptAnything`.",
  },
  POLICY_REJECTED: {
    cause: "The policy does not allow the image.",
    cure: "Read the reason in the message; `manifests verify` and `verify()` return the whole verdict.",
  },
  PORT_BLOCKED: {
    cause: "`fetch` refuses this port, and the runtime has no other way to connect.",
    cure: "Use the main module on a host, or another port for the registry.",
  },
  REFERRERS_NOT_SUPPORTED: {
    cause: "The destination cannot hold referrers.",
    cure: "Copy to a registry or a named image of an OCI layout.",
  },
  REGISTRY_BLOCKED: {
    cause: "`registries.conf` blocks the registry.",
    cure: "Use another registry, or change `registries.conf`.",
  },
  REGISTRY_ERROR: {
    cause: "The registry failed, or gave an answer that violates the specification.",
    cure: "Try again later; the message contains the registry's own answer.",
  },
  SHORT_NAME_UNRESOLVED: {
    cause: "A short name could mean images of several registries.",
    cure: "Write the whole name, or add an alias to `registries.conf`.",
  },
  SIGNATURES_HIDDEN: {
    cause:
      "Cosign ignores older signatures of a manifest that has a bundle, so a bundle would hide those of other keys.",
    cure: "Attach provenance under a tag (`--provenance-as tag`), or sign with those keys in the same call.",
  },
  SIGNATURES_NOT_SUPPORTED: {
    cause: "The destination cannot hold these signatures.",
    cure: "Configure a lookaside or attachments in `registries.d`, or use `--remove-signatures`.",
  },
  SIGNATURE_CERTIFICATE_REJECTED: {
    cause: "The certificate of a signature is not trusted, or names another identity.",
    cure: "Check the policy's authority, issuer and subject.",
  },
  SIGNATURE_DIGEST_MISMATCH: {
    cause: "A signature is for another manifest.",
    cure: "Sign this image.",
  },
  SIGNATURE_EXPIRED: {
    cause: "A signature has expired.",
    cure: "Sign the image again.",
  },
  SIGNATURE_FORMAT_UNKNOWN: {
    cause: "A stored signature is of an unknown format.",
    cure: "Update this module, or remove the signature.",
  },
  SIGNATURE_IDENTITY_MISMATCH: {
    cause: "A signature is for another name than the one that the policy requires.",
    cure: "Sign under this name, or set `signedIdentity` in the policy.",
  },
  SIGNATURE_INVALID: {
    cause: "A signature does not verify with the trusted keys.",
    cure: "Check which key signed it, and which keys the policy trusts.",
  },
  SIGNATURE_KEY_EXPIRED: {
    cause: "The key that signed has expired.",
    cure: "Extend the key's validity, or sign with another key.",
  },
  SIGNATURE_KEY_REVOKED: {
    cause: "The key that signed was revoked.",
    cure: "Do not use the image until it is signed with another key.",
  },
  SIGNATURE_KEY_UNKNOWN: {
    cause: "The key that signed is not in the trusted keyring.",
    cure: "Add the public key to the policy, if you trust it.",
  },
  SIGNATURE_LOG_REJECTED: {
    cause: "The transparency log's entry is missing, or does not match the signature.",
    cure: "Sign again with an entry in Rekor.",
  },
  SIGNATURE_MESSAGE_INVALID: {
    cause: "A GnuPG signature is not a valid signed message.",
    cure: "Sign the image again.",
  },
  SIGNATURE_MISSING: {
    cause: "The policy requires a signature, and the image has none.",
    cure: "Sign the image, or check where signatures are looked for.",
  },
  SIGNATURE_PAYLOAD_INVALID: {
    cause: "The signed statement lacks a required member.",
    cure: "Sign the image again.",
  },
  SIGNATURE_WEAK: {
    cause: "The key or the hash of a signature is too weak.",
    cure: "Sign with a stronger key.",
  },
  SIGNING_FAILED: {
    cause: "A key could not make a signature.",
    cure: "Read the message of gpg or of the log in the error's cause.",
  },
  SIGNING_UNAVAILABLE: {
    cause: "This way of signing is not supported here, or gpg is not installed or may not be run.",
    cure: "Install gpg, grant `--allow-run=gpg`, or use a sigstore private key or `signers`.",
  },
  SIZE_MISMATCH: {
    cause: "Content does not have the size that its descriptor states.",
    cure: "Try again; if it happens again, the source is damaged or altered.",
  },
  STORE_CORRUPT: {
    cause: "The local store contradicts itself, or data of an image is missing or damaged in it.",
    cure:
      "Remove a damaged list with `manifests rm` and create it again; for everything else run `podman system check`.",
  },
  STORE_IO: {
    cause: "The local store or database cannot be read or written.",
    cure: "Check its path, permissions, free space and driver.",
  },
  STORE_READ_ONLY: {
    cause: "The store cannot be written, or the files of layers cannot get their owners.",
    cure: "Use another store, or run as its owner; for images, as root or with `podman unshare`.",
  },
  TAG_DRIFTED: {
    cause: "A tag of a release is not as it was published last: somebody else moved or deleted it.",
    cure: "Look at the tag; then overwrite it with `release apply --force`, or correct the release file.",
  },
  TAG_IMMUTABLE: {
    cause: "A tag of a release names another index, but the release file says that it must not move.",
    cure: "Publish a new tag.",
  },
  TRANSPORT_IO: {
    cause: "A file or folder cannot be read or written.",
    cure: "Check its path, permissions and free space.",
  },
  TRANSPORT_NOT_SUPPORTED: {
    cause:
      "The name has a transport of containers/image that is not implemented: `tarball:`, `sif:`, `ostree:`, `atomic:`.",
    cure: "Use the place that the message names.",
  },
  TOO_MANY_REQUESTS: {
    cause: "The registry limits requests, and waiting did not help.",
    cure: "Authenticate, or try later.",
  },
  UNAUTHORIZED: {
    cause: "The registry requires credentials, or refused those that were sent.",
    cure: "Log in with `manifests login`, `podman login` or `docker login`, or pass credentials.",
  },
  UNSUPPORTED_TRANSPORT: {
    cause: "The name's transport is unknown, or cannot be used for this.",
    cure: "Use one of the places of [formats.md](formats.md).",
  },
};

/** Formats the reference as Markdown. */
export async function formatErrorReference(): Promise<string> {
  const rows = Object.entries(EXPLANATIONS).map(([code, { cause, cure }]) => `| \`${code}\` | ${cause} | ${cure} |`);
  return await formatMarkdown(`# Errors

Every domain error has one of these codes: \`isManifestsError(error, "CONFLICT")\`, \`error.code\`, and \`code\` in the
JSON of the command line. Codes are stable; messages are not. This page is generated by
\`deno run -A _tools/error_reference.ts\`.

| code | cause | what to do |
| --- | --- | --- |
${rows.join("\n")}
`);
}

if (import.meta.main) {
  await Deno.writeTextFile(new URL("../docs/errors.md", import.meta.url), await formatErrorReference());
}
